/** What the benchmark and the workers that it kills say to each other. */
import type { PlannedRun } from "./load.ts";

export type ToWorker =
  /** Open the World and work. */
  | { readonly kind: "open" }
  /** Start these runs, a few at a time. */
  | { readonly kind: "start"; readonly runs: readonly PlannedRun[] }
  | { readonly kind: "stop" };

export type FromWorker =
  /** The code is loaded. */
  | { readonly kind: "loaded" }
  /** The worker works. */
  | { readonly kind: "ready"; readonly workerId: string }
  /** `start()` has resolved for this run. */
  | { readonly kind: "started"; readonly key: string };

/** The arguments of a worker's process. */
export interface WorkerSettings {
  /** Where its World is. */
  readonly world: string;
  readonly ledger: string;
  readonly leaseMs: number;
  /** How often it tries to send payloads to the runs that it has started. */
  readonly resumeEveryMs: number;
}
