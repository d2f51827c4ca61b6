import { durationMs } from "../duration.ts";
import { PerdureError } from "../errors/perdure-error.ts";
import { FatalError, RetryableError, SerializationError, ValueTooLargeError } from "../errors/step-errors.ts";
import type { RegisteredStep, StepFunction } from "../registry.ts";
import { stepSettings, type StepRetryPolicy, type StepSettings } from "../step-options.ts";

/** How one call of a step is tried: the settings of the call over those of the function over the defaults. */
export interface AttemptPolicy {
  readonly maxAttempts: number;
  readonly initialDelayMs: number;
  readonly maxDelayMs: number;
  readonly factor: number;
  readonly jitter: number;
  readonly timeoutMs: number | null;
  readonly heartbeatTimeoutMs: number | null;
  /** When the call is over, ms since the epoch. */
  readonly deadlineAt: number | null;
  readonly retryIf: StepRetryPolicy["retryIf"] | null;
}

const defaults: AttemptPolicy = {
  maxAttempts: 4,
  initialDelayMs: 500,
  maxDelayMs: 30_000,
  factor: 2,
  jitter: 0,
  timeoutMs: null,
  heartbeatTimeoutMs: null,
  deadlineAt: null,
  retryIf: null,
};

/** What a call says of itself, and when it was made. */
export interface PolicyOfCall {
  readonly settings: StepSettings | null;
  readonly askedAt: number;
}

/** @throws INVALID_ARGUMENT for options of the step's function that cannot be */
export function attemptPolicy(fn: StepFunction, { id }: Pick<RegisteredStep, "id">, call: PolicyOfCall): AttemptPolicy {
  const { options, maxRetries } = fn;
  if (options === undefined && maxRetries === undefined && call.settings === null) return defaults;
  const ofFunction = { ...retriesOf(maxRetries, id), ...(options && stepSettings(options, `options of the step "${id}"`, true)) };
  const { deadlineMs, timeoutMs, heartbeatTimeoutMs, atMostOnce, ...retry }: StepSettings = { ...ofFunction, ...call.settings };
  return {
    ...defaults,
    // Who asks for a first pause of an hour gets it, without saying that pauses may be so long.
    maxDelayMs: Math.max(defaults.maxDelayMs, retry.initialDelayMs ?? 0),
    ...retry,
    ...(atMostOnce && { maxAttempts: 1 }),
    timeoutMs: timeoutMs ?? null,
    heartbeatTimeoutMs: heartbeatTimeoutMs ?? null,
    deadlineAt: deadlineMs === undefined ? null : call.askedAt + deadlineMs,
    retryIf: options?.retry?.retryIf ?? null,
  };
}

/** Whether a second attempt must never begin. */
export function isAtMostOnce(registered: RegisteredStep, settings: StepSettings | null): boolean {
  return settings?.atMostOnce ?? optionsOf(registered)?.atMostOnce === true;
}

function optionsOf({ target, isClosure }: RegisteredStep): StepFunction["options"] {
  return isClosure ? undefined : (target as StepFunction).options;
}

function retriesOf(maxRetries: unknown, id: string): StepSettings {
  if (maxRetries === undefined) return {};
  if (Number.isInteger(maxRetries) && (maxRetries as number) >= 0) return { maxAttempts: (maxRetries as number) + 1 };
  throw new PerdureError(
    "INVALID_ARGUMENT",
    `maxRetries of the step "${id}" is ${String(maxRetries)}; it must be a whole number, 0 or more.`,
  );
}

/** What another attempt does not mend: the step says so, its result cannot be stored, or the program is mistaken. */
function isFinal(error: unknown): boolean {
  if (FatalError.is(error) || SerializationError.is(error) || ValueTooLargeError.is(error)) return true;
  return PerdureError.is(error) && error.code === "INVALID_ARGUMENT";
}

/** A failed attempt. */
export interface Failure {
  readonly error: unknown;
  /** 1 for the first. */
  readonly attempt: number;
  readonly now: number;
}

/**
 * When the next attempt may start, or null when the step has failed for good: after the last attempt, with a FatalError, a result that cannot be stored,
 * or when the call's deadline comes first. RetryableError names its own time (if it is one), then `retryIf`, then the policy.
 */
export function nextAttemptAt({ error, attempt, now }: Failure, policy: AttemptPolicy): number | null {
  if (attempt >= policy.maxAttempts || isFinal(error)) return null;
  const at = RetryableError.is(error) ? new Date(error.retryAfter).getTime() : Number.NaN;
  const due = Number.isFinite(at) ? at : pauseEnd({ error, attempt, now }, policy);
  if (due === null || (policy.deadlineAt !== null && due >= policy.deadlineAt)) return null;
  return due;
}

function pauseEnd({ error, attempt, now }: Failure, policy: AttemptPolicy): number | null {
  const answer = policy.retryIf?.(error, attempt) ?? true;
  if (answer === false) return null;
  if (answer !== true) return now + Math.ceil(durationMs(answer));
  const pause = Math.min(policy.maxDelayMs, policy.initialDelayMs * policy.factor ** (attempt - 1));
  return now + Math.round(pause * (1 - policy.jitter * Math.random()));
}
