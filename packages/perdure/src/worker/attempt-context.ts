/** What a running attempt can reach by `perdure`: its metadata, its run's streams, the signals and requests among its arguments. */
import type { World } from "@perdure/world";

import {
  decode,
  type AnswerAddress,
  type EncodeOptions,
  type ReadingOptions,
  type StreamOpener,
  type StreamReference,
} from "../codec/index.ts";
import type { PendingStep } from "../engine/commands.ts";
import type { RegisteredStep } from "../registry.ts";
import { sendReply, type SentReply } from "../send-reply.ts";
import type { StepContext, StepMetadata, WorkflowMetadata } from "../step-context.ts";
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
  readonly signal: AbortSignal;
  heartbeat(progress: unknown): void;
  replied(request: string, sent: SentReply): void;
}

interface AttemptIdentity {
  readonly attempt: ContextualAttempt;
  readonly world: World;
  readonly registered: RegisteredStep;
  readonly owner: RunOfAttempt;
  readonly step: PendingStep;
  readonly limit: EncodeOptions;
}

/** Made for every attempt, read by few: the metadata is put together, and the place of streams made, when it is asked for. */
export class AttemptContext implements StepContext, StreamOpener, ReadingOptions {
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
