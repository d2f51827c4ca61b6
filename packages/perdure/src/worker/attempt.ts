import type { StreamChunk, World } from "@perdure/world";

import { decodeWith, encode, encodeReading, encodeThrown, type EncodeOptions, type StreamOpener } from "../codec/index.ts";
import type { PendingStep } from "../engine/commands.ts";
import { TimeoutError } from "../errors/cancelled-error.ts";
import { clearTimeout, monotonicNow, setTimeout } from "../host-timers.ts";
import type { RegisteredStep, StepFactory, StepFunction } from "../registry.ts";
import type { SentReply } from "../send-reply.ts";
import { withStepContext } from "../step-context.ts";
import type { AttemptStreams } from "../streams/attempt-streams.ts";
import { AttemptContext, type RunOfAttempt } from "./attempt-context.ts";
import { Heartbeats } from "./heartbeats.ts";
import type { ReadyEvent } from "./ready-event.ts";
import { attemptPolicy, nextAttemptAt, type AttemptPolicy } from "./retry-policy.ts";

interface Running {
  readonly step: PendingStep;
  readonly tell: (ready: ReadyEvent) => void;
  readonly limit: EncodeOptions;
}

/** One try of a step, from the queue to its end. Its end becomes an event, once; before that some of its reports of progress do. */
export class Attempt {
  readonly #world: World;
  #controller: AbortController | null = null;
  #abortedWith: { readonly reason: Error } | null = null;
  #isCancelled = false;
  /** Called when it is cancelled while it is under way. */
  onCancelled: (() => void) | null = null;
  /** Null before the start and after the end. */
  #running: Running | null = null;
  #heartbeats: Heartbeats | null = null;
  #lastSignOfLife = 0;
  /** False while it is in the queue. */
  hasBegun = false;

  constructor(world: World) {
    this.#world = world;
  }

  /** Nobody waits for the outcome any more. */
  get isCancelled(): boolean {
    return this.#isCancelled;
  }

  /** Aborted when nobody wants the outcome any more: at the timeout, when the call was cancelled, when the run was lost. Made when it is first asked for. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#abortedWith && !this.#controller.signal.aborted) this.#controller.abort(this.#abortedWith.reason);
    return this.#controller.signal;
  }

  /** Tells the attempt that its outcome is not wanted. */
  cancel(reason: Error): void {
    const isFirst = !this.#isCancelled;
    this.#isCancelled = true;
    this.#abort(reason);
    if (isFirst && this.#running) this.onCancelled?.();
  }

  #abort(reason: Error): void {
    this.#abortedWith ??= { reason };
    this.#controller?.abort(reason);
  }

  /** See `heartbeat` of `perdure`. After the end nobody listens. @throws SERIALIZATION_FAILED */
  heartbeat(progress: unknown): void {
    if (!this.#running) return;
    const { step, tell, limit } = this.#running;
    this.#lastSignOfLife = monotonicNow();
    if (progress === undefined) return;
    const { op, attempt } = step;
    const text = encode(progress, "progress", limit);
    this.#heartbeats ??= new Heartbeats(step.progress, (payload) => tell({ event: { type: "step_progress", op, attempt }, payload }));
    this.#heartbeats.report(text);
  }

  /** A reply of the step's is on its way to the run; the run gets it at once, before the end of the step. */
  replied(request: string, { id, text }: SentReply): void {
    this.#running?.tell({ event: { type: "reply_given", message: id, request }, payload: text });
  }

  /** Makes an event of the latest progress, if none has it: the process is about to end. */
  flushProgress(): void {
    if (this.#running) this.#heartbeats?.flush();
  }

  /** (Plain `then`, not `async`: a step costs as few promises as it can.) */
  start(owner: RunOfAttempt, step: PendingStep, registered: RegisteredStep, tell: (ready: ReadyEvent) => void): void {
    const { run, maxValueBytes } = owner;
    const limit: EncodeOptions = { maxBytes: maxValueBytes, of: `the step "${step.stepId}" of run "${run.key ?? run.id}"` };
    this.hasBegun = true;
    let policy: AttemptPolicy | null = null;
    let timer: NodeJS.Timeout | null = null;
    let silence: NodeJS.Timeout | null = null;
    this.#running = { step, tell, limit };
    const end = (ready: ReadyEvent): void => {
      if (!this.#running) return;
      this.#running = null;
      if (timer) clearTimeout(timer);
      if (silence) clearTimeout(silence);
      this.#heartbeats?.end();
      tell(ready);
    };
    const failNow = (error: unknown): void => end(failure({ error, progress: this.#heartbeats?.unrecorded ?? null, limit }, step, policy));
    const timeOut = (error: TimeoutError): void => {
      this.#abort(error);
      failNow(error);
    };
    const awaitHeartbeat = (limitMs: number): void => {
      const leftMs = limitMs - (monotonicNow() - this.#lastSignOfLife);
      if (leftMs > 0) silence = setTimeout(awaitHeartbeat, Math.min(Math.ceil(leftMs), longestTimer), limitMs);
      else timeOut(new TimeoutError(`The time without a heartbeat in attempt ${step.attempt} of the step "${step.stepId}"`, limitMs));
    };
    const context = new AttemptContext({ attempt: this, world: this.#world, registered, owner, step, limit });
    const fail = (error: unknown): void => {
      context.closeSignals();
      if (context.streams) void context.streams.giveUp().then(() => failNow(error));
      else failNow(error);
    };
    const complete = (payload: string, chunks?: readonly StreamChunk[]): void => {
      const event = { type: "step_completed", op: step.op, attempt: step.attempt } as const;
      end(chunks ? { event, payload, chunks } : { event, payload });
    };
    const succeed = (value: unknown): void => {
      context.closeSignals();
      let payload: string | Promise<string>;
      try {
        payload = encodeReading(value, "result", context);
      } catch (error) {
        fail(error);
        return;
      }
      if (context.streams) settleWith(context.streams, payload).then(([text, chunks]) => complete(text, chunks), fail);
      else if (typeof payload === "string") complete(payload);
      else payload.then(complete, fail);
    };
    let result: unknown;
    try {
      const { fn, args, self } = prepare(registered, step, context);
      policy = attemptPolicy(fn, registered, step);
      const limitMs = timeLimit(policy, Date.now());
      if (limitMs !== null) {
        const error = (): TimeoutError => new TimeoutError(`Attempt ${step.attempt} of the step "${step.stepId}"`, limitMs);
        timer = setTimeout(() => timeOut(error()), Math.min(limitMs, longestTimer));
      }
      if (policy.heartbeatTimeoutMs !== null) {
        this.#lastSignOfLife = monotonicNow();
        awaitHeartbeat(policy.heartbeatTimeoutMs);
      }
      result = withStepContext(context, () => (self === undefined ? fn(...(args as never[])) : fn.apply(self, args as never[])));
    } catch (error) {
      result = Promise.reject(error);
    }
    Promise.resolve(result).then(succeed, fail);
  }
}

/** The result, once all that the attempt wrote to streams is durable, and which of them it closed. */
async function settleWith(
  streams: AttemptStreams,
  payload: string | Promise<string>,
): Promise<readonly [payload: string, chunks: readonly StreamChunk[]]> {
  return [await payload, await streams.settle()];
}

/** Longer ones overflow, and no attempt lasts for 24 days. */
const longestTimer = 2 ** 31 - 1;

function timeLimit({ timeoutMs, deadlineAt }: AttemptPolicy, now: number): number | null {
  const untilDeadline = deadlineAt === null ? null : Math.max(0, deadlineAt - now);
  if (timeoutMs === null || untilDeadline === null) return timeoutMs ?? untilDeadline;
  return Math.min(timeoutMs, untilDeadline);
}

interface FailedAttempt {
  readonly error: unknown;
  /** For the next attempt, if history does not have it. */
  readonly progress: string | null;
  readonly limit: EncodeOptions;
}

/** @param policy null: it could not be read, which another attempt does not mend */
function failure({ error, progress, limit }: FailedAttempt, { op, attempt }: PendingStep, policy: AttemptPolicy | null): ReadyEvent {
  const failed = (thrown: unknown): ReadyEvent => ({ event: { type: "step_failed", op, attempt }, payload: encodeThrown(thrown, limit) });
  let dueAt: number | null;
  try {
    dueAt = policy && nextAttemptAt({ error, attempt, now: Date.now() }, policy);
  } catch (mistake) {
    return failed(mistake); // of `retryIf`
  }
  if (dueAt === null) return failed(error);
  return {
    event: {
      type: "step_retrying",
      op,
      attempt,
      dueAt,
      ...(policy && { maxAttempts: policy.maxAttempts }),
      ...(progress !== null && { progress }),
    },
    payload: encodeThrown(error, limit),
  };
}

/** What the input says when it is not just a list of arguments. */
interface StepInput {
  readonly args: unknown[];
  /** The variables around a step in a function. */
  readonly captures?: Record<string, unknown>;
  /** The instance whose method a step is. */
  readonly self?: unknown;
}

function prepare(
  registered: RegisteredStep,
  step: PendingStep,
  streams: StreamOpener,
): { fn: StepFunction; args: unknown[]; self: unknown } {
  const input = decodeWith(streams, step.input) as unknown[] | StepInput;
  if (Array.isArray(input)) return { fn: functionOf(registered, {}), args: input, self: undefined };
  const { args, captures = {}, self } = input;
  return { fn: functionOf(registered, captures), args, self };
}

function functionOf({ isClosure, target }: RegisteredStep, captures: Record<string, unknown>): StepFunction {
  return isClosure ? (target as StepFactory)(captures) : (target as StepFunction);
}
