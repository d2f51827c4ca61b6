import type { StreamChunk, World } from "@perdure/world";

import { decodeWith, encode, encodeReading, encodeThrown, type EncodeOptions, type StreamOpener } from "../codec/index.ts";
import type { PendingStep } from "../engine/commands.ts";
import { TimeoutError } from "../errors/cancelled-error.ts";
import { clearTimeout, monotonicNow, setTimeout } from "../host-timers.ts";
import type { RegisteredStep, StepFactory, StepFunction } from "../registry.ts";
import type { SentReply } from "../send-reply.ts";
import { withStepContext } from "../step-context.ts";
import { AttemptContext, type RunOfAttempt } from "./attempt-context.ts";
import { Heartbeats } from "./heartbeats.ts";
import type { ReadyEvent } from "./ready-event.ts";
import { attemptPolicy, nextAttemptAt, type AttemptPolicy } from "./retry-policy.ts";

/** One try of a step, from the queue to its end. Its end becomes an event, once; before that some of its reports of progress do. */
export abstract class Attempt {
  readonly world: World;
  readonly owner: RunOfAttempt;
  readonly step: PendingStep;
  readonly registered: RegisteredStep;
  #controller: AbortController | null = null;
  #abortedWith: { readonly reason: Error } | null = null;
  #isCancelled = false;
  /** Null before the start and after the end. */
  #running: AttemptContext | null = null;
  /** Null as long as it is not known, or could not be read. */
  #policy: AttemptPolicy | null = null;
  #timer: NodeJS.Timeout | null = null;
  #silence: NodeJS.Timeout | null = null;
  #heartbeats: Heartbeats | null = null;
  #lastSignOfLife = 0;
  /** False while it is in the queue. */
  hasBegun = false;

  constructor(world: World, owner: RunOfAttempt, step: PendingStep, registered: RegisteredStep) {
    this.world = world;
    this.owner = owner;
    this.step = step;
    this.registered = registered;
  }

  /** Takes what it says: events, of which the last is its end. */
  protected abstract told(ready: ReadyEvent): void;

  /** It was cancelled while it is under way. */
  protected abstract cancelled(): void;

  get op(): string {
    return this.step.op;
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
    if (isFirst && this.#running) this.cancelled();
  }

  #abort(reason: Error): void {
    this.#abortedWith ??= { reason };
    this.#controller?.abort(reason);
  }

  /** See `heartbeat` of `perdure`. After the end nobody listens. @throws SERIALIZATION_FAILED */
  heartbeat(progress: unknown): void {
    if (!this.#running) return;
    this.#lastSignOfLife = monotonicNow();
    if (progress === undefined) return;
    const { op, attempt } = this.step;
    const text = encode(progress, "progress", this.#running);
    this.#heartbeats ??= new Heartbeats(this.step.progress, (payload) =>
      this.told({ event: { type: "step_progress", op, attempt }, payload }),
    );
    this.#heartbeats.report(text);
  }

  /** A reply of the step's is on its way to the run; the run gets it at once, before the end of the step. */
  replied(request: string, { id, text }: SentReply): void {
    if (this.#running) this.told({ event: { type: "reply_given", message: id, request }, payload: text });
  }

  /** Makes an event of the latest progress, if none has it: the process is about to end. */
  flushProgress(): void {
    if (this.#running) this.#heartbeats?.flush();
  }

  /** (Plain `then`, not `async`: a step costs as few promises as it can. And as few closures: there is one attempt for every step.) */
  start(): void {
    const { step, registered } = this;
    const context = new AttemptContext(this);
    this.hasBegun = true;
    this.#running = context;
    let result: unknown;
    try {
      const { fn, args, self } = prepare(registered, step, context);
      this.#policy = attemptPolicy(fn, registered, step);
      this.#limitTime(this.#policy);
      result = withStepContext(context, fn, self, args);
    } catch (error) {
      result = Promise.reject(error);
    }
    Promise.resolve(result).then(
      (value) => this.#succeed(context, value),
      (error: unknown) => this.#fail(context, error),
    );
  }

  #limitTime(policy: AttemptPolicy): void {
    const limitMs = timeLimit(policy, Date.now());
    if (limitMs !== null) {
      const end = (): void => this.#timeOut(`Attempt ${this.step.attempt} of the step "${this.step.stepId}"`, limitMs);
      this.#timer = setTimeout(end, Math.min(limitMs, longestTimer));
    }
    if (policy.heartbeatTimeoutMs === null) return;
    this.#lastSignOfLife = monotonicNow();
    this.#awaitHeartbeat(policy.heartbeatTimeoutMs);
  }

  #awaitHeartbeat(limitMs: number): void {
    const { attempt, stepId } = this.step;
    const leftMs = limitMs - (monotonicNow() - this.#lastSignOfLife);
    if (leftMs > 0) this.#silence = setTimeout(() => this.#awaitHeartbeat(limitMs), Math.min(Math.ceil(leftMs), longestTimer));
    else this.#timeOut(`The time without a heartbeat in attempt ${attempt} of the step "${stepId}"`, limitMs);
  }

  #timeOut(what: string, limitMs: number): void {
    const error = new TimeoutError(what, limitMs);
    this.#abort(error);
    this.#failNow(error);
  }

  #succeed(context: AttemptContext, value: unknown): void {
    context.closeSignals();
    let payload: string | Promise<string>;
    try {
      payload = encodeReading(value, "result", context);
    } catch (error) {
      this.#fail(context, error);
      return;
    }
    if (typeof payload === "string" && !context.streams) this.#complete(payload);
    else void this.#completeLater(context, payload);
  }

  async #completeLater(context: AttemptContext, payload: string | Promise<string>): Promise<void> {
    let text: string;
    let chunks: readonly StreamChunk[] | undefined;
    try {
      text = await payload;
      chunks = await context.streams?.settle();
    } catch (error) {
      this.#fail(context, error);
      return;
    }
    this.#complete(text, chunks);
  }

  #complete(payload: string, chunks?: readonly StreamChunk[]): void {
    const event = { type: "step_completed", op: this.step.op, attempt: this.step.attempt } as const;
    this.#end(chunks ? { event, payload, chunks } : { event, payload });
  }

  #fail(context: AttemptContext, error: unknown): void {
    context.closeSignals();
    if (context.streams) void context.streams.giveUp().then(() => this.#failNow(error));
    else this.#failNow(error);
  }

  #failNow(error: unknown): void {
    const limit = this.#running;
    if (limit) this.#end(failure({ error, progress: this.#heartbeats?.unrecorded ?? null, limit }, this.step, this.#policy));
  }

  #end(ready: ReadyEvent): void {
    if (!this.#running) return;
    this.#running = null;
    if (this.#timer) clearTimeout(this.#timer);
    if (this.#silence) clearTimeout(this.#silence);
    this.#heartbeats?.end();
    this.told(ready);
  }
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
