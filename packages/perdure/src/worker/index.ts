import { getRun } from "../api/run.ts";
import { makeRunsBy } from "../codec/index.ts";
import { createRuntimeWorker } from "../runtime.ts";
import type { WorkerOptions } from "./options.ts";

export type { WorkerOptions } from "./options.ts";

makeRunsBy((id) => getRun(id));

/** A worker of this process. */
export interface RunningWorker {
  readonly id: string;
  /** Lets attempts under way settle, gives the runs back and ends. Other workers may take the runs at once. */
  stop(): Promise<void>;
}

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
