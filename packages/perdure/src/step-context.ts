import { AsyncLocalStorage } from "node:async_hooks";

import type { AnswerAddress } from "./codec/index.ts";
import { PerdureError } from "./errors/perdure-error.ts";

/** What a running attempt may know of itself. */
export interface StepMetadata {
  /** Names this call of the step in this run, the same for each attempt: the idempotency key to give to the outside world. */
  readonly stepId: string;
  /** The step's function, as the compiler names it. */
  readonly stepName: string;
  /** 1 for the first attempt. */
  readonly attempt: number;
  /** When this attempt started. */
  readonly stepStartedAt: Date;
  /** What the attempts before this one gave to `heartbeat()` last; undefined if nothing. After a crash it may be some seconds old. */
  readonly progress: unknown;
  /** Aborted when nobody wants the outcome any more: at the timeout, when the call was cancelled, when another worker took the run over. Give it to `fetch` and the like. */
  readonly signal: AbortSignal;
}

/** What workflow code and steps may know of their run. */
export interface WorkflowMetadata {
  readonly workflowRunId: string;
  readonly workflowName: string;
  readonly workflowStartedAt: Date;
  /** In a workflow: aborted when the run is cancelled. In a step: see `getStepMetadata().signal`. */
  readonly signal: AbortSignal;
}

export interface StepContext {
  readonly step: StepMetadata;
  readonly workflow: WorkflowMetadata;
  /** See `heartbeat` of `perdure`. */
  heartbeat(progress: unknown): void;
  /** Answers a request that came to a webhook, of this run or another one. */
  answer(address: AnswerAddress, response: unknown): Promise<void>;
  /** A stream of the run, to be written. */
  getWritable(name: string): WritableStream;
}

const storage = new AsyncLocalStorage<StepContext>();

/** Calls a step's function with the context of an attempt. */
export function withStepContext(context: StepContext, fn: (...args: never[]) => unknown, self: unknown, args: readonly unknown[]): unknown {
  return storage.run<unknown, [typeof fn, unknown, readonly unknown[]]>(context, Reflect.apply, fn, self, args);
}

/** Null outside of a running step. */
export function stepContextOrNull(): StepContext | null {
  return storage.getStore() ?? null;
}

/** @throws NOT_IN_STEP */
export function currentStepContext(caller: string): StepContext {
  const context = storage.getStore();
  if (!context) throw new PerdureError("NOT_IN_STEP", `${caller} was called outside of a running step.`);
  return context;
}
