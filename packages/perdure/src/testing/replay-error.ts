import { PerdureError } from "../errors/perdure-error.ts";
import type { SourcePosition } from "../source-position.ts";
import type { Difference } from "../worker/rehearsal.ts";

/** The code does something else than a recorded history says: see docs/testing.md. */
export class HistoryDifferenceError extends PerdureError {
  static override readonly className = "HistoryDifferenceError";
  /** The number of the row on whose event it happens, as `run.events()` counts them: from 1. */
  readonly row: number;
  /** What the history has there, as it names operations. */
  readonly recorded: string;
  /** What the code does instead. */
  readonly actual: string;
  /** The call in the code that made the history; null where that did not come along, or where it makes none. */
  readonly recordedAt: SourcePosition | null;
  /** The call in the code of this process; null where it makes none, or where that is not known. */
  readonly actualAt: SourcePosition | null;

  constructor(run: { readonly id: string; readonly key: string | null; readonly workflowId: string }, difference: Difference) {
    const { row, recorded, actual, recordedAt, actualAt } = difference;
    super(
      "NONDETERMINISM",
      `The code of ${run.workflowId} does something else than the history of run "${run.key ?? run.id}" says. At row ${row + 1} the history has "${recorded}"${placeOf(recordedAt)}, the code "${actual}"${placeOf(actualAt)}.`,
      { isBrief: true },
    );
    this.row = row + 1;
    this.recorded = recorded;
    this.actual = actual;
    this.recordedAt = recordedAt;
    this.actualAt = actualAt;
  }
}

const placeOf = (at: SourcePosition | null): string => (at ? ` (${at.file}:${at.line}:${at.column}${at.text && `, ${at.text}`})` : "");
