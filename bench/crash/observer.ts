/**
 * Looks at the World and at the ledger from outside while workers are killed.
 *
 * One look reads in this order: the ledger, the histories, the ledger again. What the first reading knows of must have been asked for in the
 * histories (history before effects); what the histories hold is final, so that whatever comes after the second reading must not repeat it.
 */
import type { HistoryRow, World } from "@perdure/world";

import type { Evidence, RunEvidence, Sighting } from "./evidence.ts";
import { readRow, stepsAsked } from "./history.ts";
import type { LedgerLine, LedgerReader } from "./ledger.ts";
import type { PlannedRun } from "./load.ts";

export interface Observer {
  /** The runs that may exist from now on. */
  expect(runs: readonly PlannedRun[]): void;
  /** @param frozen the process that stands still meanwhile, if one does */
  look(frozen?: number): Promise<void>;
  /** How many of the runs have not ended, as of the last look. */
  readonly open: number;
  /** How many claims of runs that had an owner before there were, as of the last look. */
  readonly takeovers: number;
  /** Reads everything once more, from the beginning. */
  conclude(acknowledged: ReadonlySet<string>): Promise<Evidence>;
}

type Outcome = Omit<Sighting, "lines" | "frozen">;

/** A run under observation. */
interface Watched {
  readonly run: PlannedRun;
  /** Null until the World knows the run. */
  id: string | null;
  ended: boolean;
  fence: number;
  readonly seen: HistoryRow[];
}

export function createObserver(world: World, ledger: LedgerReader): Observer {
  const all: Watched[] = [];
  const lines: LedgerLine[] = [];
  const sightings: Sighting[] = [];
  const asked = new Set<string>();
  const early = new Set<string>();
  /** Lines that have been checked against what was asked. */
  let checked = 0;

  async function lookAt(watched: Watched): Promise<Outcome[]> {
    watched.id ??= (await world.query.run({ key: watched.run.key }))?.id ?? null;
    if (watched.id === null) return [];
    const [record] = await world.query.runsById([watched.id]);
    const { rows } = await world.load(watched.id, { after: watched.seen.length });
    watched.seen.push(...rows);
    // Read before the rows: when it says that the run has ended, they are all there.
    watched.ended = record !== undefined && record.status !== "running";
    watched.fence = record?.fence ?? 0;
    return outcomesOf(watched.id, rows, asked);
  }

  async function look(frozen: number | null = null): Promise<void> {
    lines.push(...ledger.readNew());
    const known = lines.length;
    const outcomes: Outcome[] = [];
    for (const watched of all) if (!watched.ended) outcomes.push(...(await lookAt(watched)));
    for (const { step } of lines.slice(checked, known)) if (!asked.has(step)) early.add(step);
    checked = known;
    lines.push(...ledger.readNew());
    sightings.push(...outcomes.map((outcome) => ({ ...outcome, lines: lines.length, frozen })));
  }

  return {
    expect(runs) {
      for (const run of runs) all.push({ run, id: null, ended: false, fence: 0, seen: [] });
    },
    look,
    get open() {
      return all.filter(({ ended }) => !ended).length;
    },
    get takeovers() {
      return all.reduce((sum, { fence }) => sum + Math.max(0, fence - 1), 0);
    },
    async conclude(acknowledged) {
      await look();
      const runs: RunEvidence[] = [];
      for (const { run, id, seen } of all) {
        const record = id === null ? null : await world.query.run({ id });
        const rows = id === null ? [] : (await world.load(id)).rows;
        runs.push({ run, acknowledged: acknowledged.has(run.key), record, rows, seen });
      }
      return { runs, lines, sightings, early: [...early] };
    },
  };
}

/** The outcomes of attempts that rows hold; adds the steps that they ask for to `asked`. */
function outcomesOf(runId: string, rows: readonly HistoryRow[], asked: Set<string>): Outcome[] {
  return rows.map(readRow).flatMap((row) => {
    for (const op of stepsAsked(row)) asked.add(`${runId}/${op}`);
    if (!row.type.startsWith("step_")) return [];
    return [{ step: `${runId}/${row.op}`, attempt: row.attempt, final: row.type !== "step_retrying" }];
  });
}
