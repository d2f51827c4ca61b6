/** What the benchmark and the processes that it kills say to each other. */

/** The arguments of a process. */
export interface ProcessSettings {
  readonly world: string;
  readonly place: string;
  /** A file to which each attempt of a step appends a line before it does anything. */
  readonly ledger: string;
}

export type ToProcess = { readonly kind: "start"; readonly runs: number; readonly steps: number } | { readonly kind: "stop" };

export type FromProcess =
  /** A worker works. */
  | { readonly kind: "ready" }
  /** `start()` has resolved for all of these. */
  | { readonly kind: "started"; readonly runIds: readonly string[] };
