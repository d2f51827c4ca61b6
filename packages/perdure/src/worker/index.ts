import type { World } from "@perdure/world";

import { getRun } from "../api/run.ts";
import { makeRunsBy } from "../codec/index.ts";

import { PerdureError } from "../errors/perdure-error.ts";
import { createRuntimeWorker, createWorkerOn, setRuntimeObservers } from "../runtime.ts";
import type { Observer } from "./observe/observer.ts";
import { isObserver, type WorkerOptions } from "./options.ts";
import type { RunningWorker } from "./running-worker.ts";

export type { DrainOptions, DrainSummary } from "./drain.ts";
export type { AttemptStarted, ObservedAttempt, ObservedRun, Observer, ReleaseReason, WorkerEvent } from "./observe/observer.ts";
export { logObserver, type Logger } from "./observe/log-observer.ts";
export { traceObserver, type Span, type Tracer } from "./observe/trace-observer.ts";
export type { WorkerOptions } from "./options.ts";
export type { RunningWorker } from "./running-worker.ts";

makeRunsBy((id) => getRun(id));

/**
 * Makes this process execute runs until `stop()`, and keeps it alive until then. A process that starts runs has a worker with default options without
 * this call; servers call it at start, so that runs which a crash interrupted go on before the next request comes.
 *
 * The step and workflow modules must have been imported before: a worker has the steps that are registered.
 * @throws INVALID_ARGUMENT, WORLD_UNKNOWN_SCHEME, WORLD_PACKAGE_MISSING, and what the World's `setup()` throws
 */
export async function startWorker(options: WorkerOptions = {}): Promise<RunningWorker> {
  return createRuntimeWorker(options);
}

export interface CreateWorkerOptions extends WorkerOptions {
  /** Where the runs are. It is set up if it is not yet, and not closed by the worker. */
  readonly world: World;
}

/**
 * A worker on a World of its own choice, beside the one of this process: a process may have several, on one World or on many. It executes runs from now on until `stop()`, and keeps
 * the process alive until then. `start()` and the other functions of `perdure/api` use the World of the process, see `setWorld()`.
 * @throws INVALID_ARGUMENT, and what the World's `setup()` throws
 * @example
 * const worker = await createWorker({ world: createSqliteWorld({ path: "tenant-7.db" }), concurrency: 10 });
 */
export async function createWorker({ world, ...options }: CreateWorkerOptions): Promise<RunningWorker> {
  if (typeof (world as Partial<World> | undefined)?.claim !== "function") {
    throw new PerdureError("INVALID_ARGUMENT", "createWorker({ world }) was given no World.");
  }
  return createWorkerOn(world, options);
}

/** Sets who is told what the workers of this process do, also the one that `start()` makes. Replaces those that were set before. @throws INVALID_ARGUMENT */
export function setObservers(observers: readonly Observer[]): void {
  if (!Array.isArray(observers) || !observers.every(isObserver)) {
    throw new PerdureError("INVALID_ARGUMENT", "setObservers() takes an array of observers.");
  }
  setRuntimeObservers(observers);
}
