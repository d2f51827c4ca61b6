import type { HistoryRow, RunRecord } from "@perdure/world";

import type { LedgerLine } from "./ledger.ts";
import type { PlannedRun } from "./load.ts";

/** What is known of a run when all is over. */
export interface RunEvidence {
  readonly run: PlannedRun;
  /** `start()` had resolved. */
  readonly acknowledged: boolean;
  /** Null when the World does not know it. */
  readonly record: RunRecord | null;
  /** The history at the end. */
  readonly rows: readonly HistoryRow[];
  /** The beginning of the history, as it was read while the faults went on. */
  readonly seen: readonly HistoryRow[];
}

/** An attempt's outcome that was in the history when the ledger had `lines` lines: whatever the ledger says of it from there on is a repetition. */
export interface Sighting {
  readonly step: string;
  readonly attempt: number;
  /** The step is answered: no further attempt may follow at all. */
  readonly final: boolean;
  readonly lines: number;
  /** The process that stood still when it was seen, or null. */
  readonly frozen: number | null;
}

/** All that the verdict is made of. */
export interface Evidence {
  readonly runs: readonly RunEvidence[];
  readonly lines: readonly LedgerLine[];
  readonly sightings: readonly Sighting[];
  /** Steps that the ledger had attempts of while the history had not asked for them. */
  readonly early: readonly string[];
}
