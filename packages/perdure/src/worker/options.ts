import { PerdureError } from "../errors/perdure-error.ts";

/** How a worker behaves. Durations in milliseconds. */
export interface WorkerOptions {
  /** Attempts of steps at the same time in this process. Default 100. */
  readonly concurrency?: number;
  /** Runs in memory at the same time; beyond it idle ones are given back. Default 10,000. */
  readonly maxResidentRuns?: number;
  /** How long the worker's runs stay its own without a sign of life. Default 5,000. */
  readonly leaseMs?: number;
  /** How long a run may wait in memory before it is given back. Default 30,000. */
  readonly idleMs?: number;
  /** How long workflow code may run without yielding. Default 1,000. */
  readonly watchdogMs?: number;
  /** How long `stop()` waits for attempts under way, and how long an attempt that was cancelled and does not end counts for `concurrency`. Default 5,000. */
  readonly graceMs?: number;
}

export type ResolvedWorkerOptions = Required<WorkerOptions>;

const defaults: ResolvedWorkerOptions = {
  concurrency: 100,
  maxResidentRuns: 10_000,
  leaseMs: 5000,
  idleMs: 30_000,
  watchdogMs: 1000,
  graceMs: 5000,
};

const lowest: ResolvedWorkerOptions = { concurrency: 1, maxResidentRuns: 1, leaseMs: 100, idleMs: 0, watchdogMs: 10, graceMs: 0 };

/** @throws INVALID_ARGUMENT for an option that is unknown or not a whole number of at least its lowest value */
export function resolveWorkerOptions(options: WorkerOptions): ResolvedWorkerOptions {
  for (const [name, value] of Object.entries(options) as [keyof WorkerOptions, unknown][]) {
    if (!Object.hasOwn(defaults, name)) {
      throw new PerdureError("INVALID_ARGUMENT", `There is no worker option "${name}"; there are ${Object.keys(defaults).join(", ")}.`);
    }
    if (value !== undefined && !(Number.isInteger(value) && (value as number) >= lowest[name])) {
      throw new PerdureError(
        "INVALID_ARGUMENT",
        `The worker option "${name}" is ${String(value)}; it must be a whole number, ${lowest[name]} or more.`,
      );
    }
  }
  return { ...defaults, ...options };
}
