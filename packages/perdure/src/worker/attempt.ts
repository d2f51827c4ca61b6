import type { StreamChunk, World } from "@perdure/world";

import {
  decode,
  decodeWith,
  encode,
  encodeReading,
  encodeThrown,
  type EncodeOptions,
  type ReadingOptions,
  type StreamOpener,
  type StreamReference,
  type AnswerAddress,
} from "../codec/index.ts";
import type { PendingStep } from "../engine/commands.ts";
import { TimeoutError } from "../errors/cancelled-error.ts";
import { clearTimeout, monotonicNow, setTimeout } from "../host-timers.ts";
import type { RegisteredStep, StepFactory, StepFunction } from "../registry.ts";
import { sendReply, type SentReply } from "../send-reply.ts";
import { withStepContext, type StepContext, type StepMetadata, type WorkflowMetadata } from "../step-context.ts";
import { AttemptStreams } from "../streams/attempt-streams.ts";
import { Heartbeats } from "./heartbeats.ts";
import type { ReadyEvent } from "./ready-event.ts";
import type { ResidentRun } from "./resident-run.ts";
import { signalsOf, type RunSignals } from "./run-signals.ts";
import { attemptPolicy, nextAttemptAt, type AttemptPolicy } from "./retry-policy.ts";

/** The run that an attempt is made for, as far as it needs to know. */
interface RunOfAttempt {
  readonly run: ResidentRun;
  readonly maxValueBytes: number;
  signals: RunSignals | null;
}

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

interface AttemptIdentity {
  readonly attempt: Attempt;
  readonly world: World;
  readonly registered: RegisteredStep;
  readonly owner: RunOfAttempt;
  readonly step: PendingStep;
  readonly limit: EncodeOptions;
}

/** Made for every attempt, read by few: the metadata is put together, and the place of streams made, when it is asked for. */
class AttemptContext implements StepContext, StreamOpener, ReadingOptions {
  readonly #identity: AttemptIdentity;
  readonly #startedAt = Date.now();
  /** Null as long as the attempt has to do with none. */
  streams: AttemptStreams | null = null;
  /** The arguments that are signals of the workflow's code. */
  #signals: (readonly [number: number, controller: AbortController])[] | null = null;

  constructor(identity: AttemptIdentity) {
    this.#identity = identity;
  }

  get step(): StepMetadata {
    const {
      attempt,
      registered,
      owner: { run },
      step,
    } = this.#identity;
    return {
      stepId: `${run.id}/${step.op}`,
      stepName: registered.name,
      attempt: step.attempt,
      stepStartedAt: new Date(this.#startedAt),
      get progress() {
        return step.progress === null ? undefined : decode(step.progress);
      },
      get signal() {
        return attempt.signal;
      },
    };
  }

  heartbeat(progress: unknown): void {
    this.#identity.attempt.heartbeat(progress);
  }

  get workflow(): WorkflowMetadata {
    const {
      attempt,
      owner: { run },
    } = this.#identity;
    return {
      workflowRunId: run.key ?? run.id,
      workflowName: run.workflowId,
      workflowStartedAt: new Date(run.createdAt),
      get signal() {
        return attempt.signal;
      },
    };
  }

  async answer(address: AnswerAddress, response: unknown): Promise<void> {
    const { attempt, world, owner, limit } = this.#identity;
    const sent = await sendReply(world, address, response, limit);
    if (sent && address.runId === owner.run.id) attempt.replied(address.message, sent);
  }

  getWritable(name: string): WritableStream {
    return this.openWritable({ runId: this.#identity.owner.run.id, name });
  }

  openReadable(reference: StreamReference): object {
    return this.#streams().openReadable(reference);
  }

  openWritable(reference: StreamReference): WritableStream {
    return this.#streams().openWritable(reference);
  }

  openSignal(number: number): AbortSignal {
    const controller = signalsOf(this.#identity.owner).open(number);
    (this.#signals ??= []).push([number, controller]);
    return controller.signal;
  }

  /** The function has ended, also if nobody waited for it any more. */
  closeSignals(): void {
    if (!this.#signals) return;
    for (const [number, controller] of this.#signals) signalsOf(this.#identity.owner).close(number, controller);
    this.#signals = null;
  }

  get maxBytes(): number | undefined {
    return this.#identity.limit.maxBytes;
  }

  get of(): string | undefined {
    return this.#identity.limit.of;
  }

  /** For streams in the result. */
  get store(): (stream: ReadableStream) => Promise<StreamReference> {
    return (stream) => this.#streams().store(stream);
  }

  #streams(): AttemptStreams {
    const {
      attempt,
      world,
      owner: { run },
      step,
      limit,
    } = this.#identity;
    this.streams ??= new AttemptStreams({ world, runId: run.id, op: step.op, stepId: step.stepId, signal: attempt.signal, limit });
    return this.streams;
  }
}
