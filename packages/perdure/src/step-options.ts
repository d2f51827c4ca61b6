/** How steps are tried, in the three places where one can say it: the worker's defaults, the step's function, the call. */
import { durationMs, type Duration } from "./duration.ts";
import { PerdureError } from "./errors/perdure-error.ts";

/** When and how often a step that failed is tried again. */
export interface RetryPolicy {
  /** All attempts together, 1 or more. Default 4. */
  readonly maxAttempts?: number;
  /** The pause after the first attempt. Default half a second. */
  readonly initialDelay?: Duration;
  /** The longest pause. Default 30 seconds, or the first pause if that is longer. */
  readonly maxDelay?: Duration;
  /** By what each pause is longer than the one before. Default 2. */
  readonly factor?: number;
  /** The part of a pause that is left to chance, 0 to 1, so that what failed together is not tried again together. Default 0. */
  readonly jitter?: number;
}

/** The policy of a step's function, which may also look at the error. */
export interface StepRetryPolicy extends RetryPolicy {
  /** Whether an error is worth another attempt, or after what pause. Asked after each failed attempt but the last; FatalError is never tried again. */
  readonly retryIf?: (error: unknown, attempt: number) => boolean | Duration;
}

/** What can be said of one call of a step: `withOptions(charge, { timeout: "10s" })(order)`. */
export interface StepCallOptions {
  readonly retry?: RetryPolicy;
  /** How long one attempt may take. Its `signal` is aborted then, and it counts as failed. Default: no limit. */
  readonly timeout?: Duration;
  /** How long an attempt may go without `heartbeat()`. Its `signal` is aborted then, and it counts as failed, as with `timeout`. Default: no limit. */
  readonly heartbeatTimeout?: Duration;
  /** How long the call may take with all its attempts, from when the workflow asked for it. Default: no limit. */
  readonly deadline?: Duration;
  /** Never begin a second attempt, not even when the process ended during the first: the step then fails with STEP_INTERRUPTED. Default false. */
  readonly atMostOnce?: boolean;
}

/** What can be said on a step's function, once and for all: `charge.options = { retry: { maxAttempts: 10 } }`. */
export interface StepOptions extends StepCallOptions {
  readonly retry?: StepRetryPolicy;
}

/** Options as they are stored and merged: milliseconds, nothing but data. */
export interface StepSettings {
  readonly maxAttempts?: number;
  readonly initialDelayMs?: number;
  readonly maxDelayMs?: number;
  readonly factor?: number;
  readonly jitter?: number;
  readonly timeoutMs?: number;
  readonly heartbeatTimeoutMs?: number;
  readonly deadlineMs?: number;
  readonly atMostOnce?: boolean;
}

const callKeys = new Set(["retry", "timeout", "heartbeatTimeout", "deadline", "atMostOnce"]);
const retryKeys = new Set(["maxAttempts", "initialDelay", "maxDelay", "factor", "jitter"]);

/**
 * Options as settings. @param where how messages call them  @param ofFunction `retryIf` is allowed
 * @throws INVALID_ARGUMENT for what is unknown or cannot be
 */
export function stepSettings(options: StepOptions, where: string, ofFunction: boolean): StepSettings {
  checkObject(options, where, callKeys);
  const retry: RetryPolicy = options.retry ?? {};
  checkObject(retry, `${where}.retry`, ofFunction ? new Set([...retryKeys, "retryIf"]) : retryKeys);
  const settings: Record<string, unknown> = {};
  const set = (name: keyof StepSettings, value: unknown): void => {
    if (value !== undefined) settings[name] = value;
  };
  const ms = (value: Duration | undefined): number | undefined => (value === undefined ? undefined : Math.ceil(durationMs(value)));
  set(
    "maxAttempts",
    number(retry.maxAttempts, `${where}.retry.maxAttempts`, (value) => Number.isInteger(value) && value >= 1, "a whole number, 1 or more"),
  );
  set("initialDelayMs", ms(retry.initialDelay));
  set("maxDelayMs", ms(retry.maxDelay));
  set(
    "factor",
    number(retry.factor, `${where}.retry.factor`, (value) => value >= 1, "a number, 1 or more"),
  );
  set(
    "jitter",
    number(retry.jitter, `${where}.retry.jitter`, (value) => value >= 0 && value <= 1, "a number from 0 to 1"),
  );
  set("timeoutMs", ms(options.timeout));
  set("heartbeatTimeoutMs", ms(options.heartbeatTimeout));
  set("deadlineMs", ms(options.deadline));
  set("atMostOnce", options.atMostOnce);
  return settings;
}

function checkObject(value: unknown, where: string, known: ReadonlySet<string>): void {
  if (typeof value !== "object" || value === null) throw new PerdureError("INVALID_ARGUMENT", `${where} must be an object.`);
  for (const key of Object.keys(value)) {
    if (known.has(key)) continue;
    const hint = key === "retryIf" ? " It is a function, so it belongs to the options of the step's function." : "";
    throw new PerdureError("INVALID_ARGUMENT", `${where} has no option "${key}"; there are ${[...known].join(", ")}.${hint}`);
  }
}

function number(value: unknown, where: string, isFine: (value: number) => boolean, what: string): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value === "number" && isFine(value)) return value;
  throw new PerdureError("INVALID_ARGUMENT", `${where} is ${String(value)}; it must be ${what}.`);
}
