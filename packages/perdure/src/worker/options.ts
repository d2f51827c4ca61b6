import { PerdureError } from "../errors/perdure-error.ts";
import type { Observer } from "./observe/observer.ts";

/** How a worker behaves. Durations in milliseconds. */
export interface WorkerOptions {
  /** Attempts of steps at the same time in this process. Default 100. */
  readonly concurrency?: number;
  /** Runs in memory at the same time; beyond it idle ones are given back, the one that was active longest ago first. Default 10,000. */
  readonly maxResidentRuns?: number;
  /**
   * About how many bytes the runs in memory may hold together; beyond it idle ones are given back, and no others are claimed. A run counts with its arguments, its history, the inputs of
   * its pending steps and what is on its way to it. An eighth of it may wait to be committed, then no further attempt begins. One run alone may be larger. Default 268,435,456 (256 MiB).
   */
  readonly maxResidentBytes?: number;
  /** How long the worker's runs stay its own without a sign of life. Default 5,000. */
  readonly leaseMs?: number;
  /** How long a run may wait in memory before it is given back. Default 30,000. */
  readonly idleMs?: number;
  /** How long workflow code may run without yielding. Default 1,000. */
  readonly watchdogMs?: number;
  /** How long `stop()` waits for attempts under way, and how long an attempt that was cancelled and does not end counts for `concurrency`. Default 5,000. */
  readonly graceMs?: number;
  /**
   * Stops the worker at SIGTERM and SIGINT, as `stop()` does. When nobody else listens to the signal, the process then ends by it; a second signal changes nothing. Default true.
   */
  readonly handleSignals?: boolean;
  /** Whether what workflow code writes to its console is printed. Observers see it either way. Default true. */
  readonly printConsole?: boolean;
  /** Who is told what the worker does, beside those of `setObservers()`. Default: nobody. */
  readonly observers?: readonly Observer[];
}

export type ResolvedWorkerOptions = Required<WorkerOptions>;

const defaults: ResolvedWorkerOptions = {
  concurrency: 100,
  maxResidentRuns: 10_000,
  maxResidentBytes: 256 * 1024 * 1024,
  leaseMs: 5000,
  idleMs: 30_000,
  watchdogMs: 1000,
  graceMs: 5000,
  handleSignals: true,
  printConsole: true,
  observers: [],
};

const lowest = { concurrency: 1, maxResidentRuns: 1, maxResidentBytes: 1, leaseMs: 100, idleMs: 0, watchdogMs: 10, graceMs: 0 };

/** @throws INVALID_ARGUMENT for an option that is unknown or of another kind than it must be */
export function resolveWorkerOptions(options: WorkerOptions): ResolvedWorkerOptions {
  const given: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(defaults, name)) {
      throw new PerdureError("INVALID_ARGUMENT", `There is no worker option "${name}"; there are ${Object.keys(defaults).join(", ")}.`);
    }
    if (value === undefined) continue;
    const must = requirement(name as keyof WorkerOptions, value);
    if (must !== null) throw new PerdureError("INVALID_ARGUMENT", `The worker option "${name}" is ${String(value)}; it must be ${must}.`);
    given[name] = value;
  }
  return { ...defaults, ...given };
}

/** What an option must be, or null when it is. */
function requirement(name: keyof WorkerOptions, value: unknown): string | null {
  if (name === "observers") return Array.isArray(value) && value.every(isObserver) ? null : "an array of observers";
  if (name === "handleSignals" || name === "printConsole") return typeof value === "boolean" ? null : "true or false";
  const least = lowest[name];
  return Number.isInteger(value) && (value as number) >= least ? null : `a whole number, ${least} or more`;
}

/** An object with one of the functions of {@link Observer}. */
export function isObserver(value: unknown): value is Observer {
  if (typeof value !== "object" || value === null) return false;
  const { observe, beginAttempt } = value as Record<string, unknown>;
  return typeof observe === "function" || typeof beginAttempt === "function";
}
