import { AsyncLocalStorage } from "node:async_hooks";

import type { World } from "@perdure/world";

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

/**
 * What packages beside this one may know of the attempt under way. They find it without a dependency: `globalThis[Symbol.for("perdure.step")]` is the AsyncLocalStorage whose store has it
 * under `running` (docs/decisions/0017-effects.md). Members are added, never changed.
 */
export interface RunningStep {
  readonly world: World;
  /** The World's own id of the run. */
  readonly runId: string;
  /** Names the call of the step in its run, the same for each attempt. */
  readonly operation: string;
  /** 1 for the first attempt. */
  readonly attempt: number;
  /** With which this worker has claimed the run. */
  readonly fence: number;
  readonly signal: AbortSignal;
  /** A value as it would be stored as the step's result, without streams; read bodies make a promise of it. @throws SERIALIZATION_FAILED, VALUE_TOO_LARGE */
  encode(value: unknown): string | Promise<string>;
  decode(text: string): unknown;
}

export interface StepContext {
  /** The same context has the same attempt. */
  readonly running: RunningStep;
  readonly step: StepMetadata;
  readonly workflow: WorkflowMetadata;
  /** See `heartbeat` of `perdure`. */
  heartbeat(progress: unknown): void;
  /** Answers a request that came to a webhook, of this run or another one. */
  answer(address: AnswerAddress, response: unknown): Promise<void>;
  /** A stream of the run, to be written. */
  getWritable(name: string): WritableStream;
}

const key = Symbol.for("perdure.step");

/** One per process, also when several copies of this package are loaded. */
const storage = ((globalThis as { [key]?: AsyncLocalStorage<StepContext> })[key] ??= new AsyncLocalStorage<StepContext>());

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
