/** What a running attempt can reach by `perdure`: its metadata, its run's streams, the signals and requests among its arguments. */
import type { World } from "@perdure/world";

import {
  decode,
  encodeReading,
  type AnswerAddress,
  type EncodeOptions,
  type ReadingOptions,
  type StreamOpener,
  type StreamReference,
} from "../codec/index.ts";
import type { PendingStep } from "../engine/commands.ts";
import type { RegisteredStep } from "../registry.ts";
import { sendReply, type SentReply } from "../send-reply.ts";
import type { RunningStep, StepContext, StepMetadata, WorkflowMetadata } from "../step-context.ts";
import { AttemptStreams } from "../streams/attempt-streams.ts";
import type { ResidentRun } from "./resident-run.ts";
import { signalsOf, type RunSignals } from "./run-signals.ts";

/** The run that an attempt is made for, as far as it needs to know. */
export interface RunOfAttempt {
  readonly run: ResidentRun;
  readonly maxValueBytes: number;
  signals: RunSignals | null;
}

/** What its context asks of an attempt. */
interface ContextualAttempt {
  readonly world: World;
  readonly registered: RegisteredStep;
  readonly owner: RunOfAttempt;
  readonly step: PendingStep;
  readonly signal: AbortSignal;
  heartbeat(progress: unknown): void;
  replied(request: string, sent: SentReply): void;
}

/**
 * Made for every attempt, read by few: the metadata is put together, and the place of streams made, when it is asked for. It also says how large a value of the attempt may be, and whose
 * it is.
 */
export class AttemptContext implements StepContext, StreamOpener, ReadingOptions {
  readonly #attempt: ContextualAttempt;
  readonly #startedAt = Date.now();
  /** Null as long as the attempt has to do with none. */
  streams: AttemptStreams | null = null;
  /** The arguments that are signals of the workflow's code. */
  #signals: (readonly [number: number, controller: AbortController])[] | null = null;

  constructor(attempt: ContextualAttempt) {
    this.#attempt = attempt;
  }

  get running(): RunningStep {
    const attempt = this.#attempt;
    const limit = this.#limit;
    const {
      world,
      owner: { run },
      step,
    } = attempt;
    return {
      world,
      runId: run.id,
      operation: step.op,
      attempt: step.attempt,
      fence: run.fence,
      get signal() {
        return attempt.signal;
      },
      encode: (value) => encodeReading(value, "result", limit),
      decode,
    };
  }

  get step(): StepMetadata {
    const attempt = this.#attempt;
    const {
      registered,
      owner: { run },
      step,
    } = attempt;
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
    this.#attempt.heartbeat(progress);
  }

  get workflow(): WorkflowMetadata {
    const attempt = this.#attempt;
    const { run } = attempt.owner;
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
    const { world, owner } = this.#attempt;
    const sent = await sendReply(world, address, response, this.#limit);
    if (sent && address.runId === owner.run.id) this.#attempt.replied(address.message, sent);
  }

  getWritable(name: string): WritableStream {
    return this.openWritable({ runId: this.#attempt.owner.run.id, name });
  }

  openReadable(reference: StreamReference): object {
    return this.#streams().openReadable(reference);
  }

  openWritable(reference: StreamReference): WritableStream {
    return this.#streams().openWritable(reference);
  }

  openSignal(number: number): AbortSignal {
    const controller = signalsOf(this.#attempt.owner).open(number);
    (this.#signals ??= []).push([number, controller]);
    return controller.signal;
  }

  /** The function has ended, also if nobody waited for it any more. */
  closeSignals(): void {
    if (!this.#signals) return;
    for (const [number, controller] of this.#signals) signalsOf(this.#attempt.owner).close(number, controller);
    this.#signals = null;
  }

  get maxBytes(): number {
    return this.#attempt.owner.maxValueBytes;
  }

  get of(): string {
    const {
      owner: { run },
      step,
    } = this.#attempt;
    return `the step "${step.stepId}" of run "${run.key ?? run.id}"`;
  }

  get #limit(): EncodeOptions {
    return { maxBytes: this.maxBytes, of: this.of };
  }

  /** For streams in the result. */
  get store(): (stream: ReadableStream) => Promise<StreamReference> {
    return (stream) => this.#streams().store(stream);
  }

  #streams(): AttemptStreams {
    const { world, owner, step, signal } = this.#attempt;
    const { op, stepId } = step;
    this.streams ??= new AttemptStreams({ world, runId: owner.run.id, op, stepId, signal, limit: this.#limit });
    return this.streams;
  }
}
