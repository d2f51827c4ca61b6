import type { RunRecord, World } from "@perdure/world";

import { readRow, valueOf } from "../../crash/history.ts";
import type { LedgerLine } from "./ledger.ts";

/** What happened to whom. */
export interface Scene {
  /** By the clock of this machine. */
  readonly killedAt: number;
  /** By how much the World's clock is ahead. */
  readonly aheadMs: number;
  /** The process that was killed. */
  readonly victim: number;
  /** Of each run. */
  readonly steps: number;
}

/** What came of it. */
export interface Outcome {
  /** From the kill until another process begins a step. */
  readonly firstMs: number;
  /** From the kill until the last run has ended. */
  readonly allDoneMs: number;
  readonly lost: number;
  readonly committedRepeated: number;
  readonly inFlightRepeated: number;
}

/** Looks at runs that have ended, or had their time. */
export async function judge(
  world: World,
  runIds: readonly string[],
  lines: readonly LedgerLine[],
  { killedAt, aheadMs, victim, steps }: Scene,
): Promise<Outcome> {
  const records = new Map((await world.query.runsById(runIds)).map((record) => [record.id, record]));
  const byHeir = lines.filter(({ pid }) => pid !== victim);
  const begun = new Set(lines.filter(({ pid }) => pid === victim).map(({ step }) => step));
  const committed = new Set<string>();
  let lost = 0;
  for (const runId of runIds) {
    const rows = (await world.load(runId)).rows.map(readRow);
    // What the victim delivered was delivered before it died: the others' outcomes are later.
    for (const { type, op, at } of rows) if (type === "step_completed" && at <= killedAt) committed.add(`${runId}/${op}`);
    if (!isComplete(records.get(runId), steps) || rows.length !== steps + 1) lost++;
  }
  const repeated = byHeir.filter(({ step }) => begun.has(step));
  const committedRepeated = byHeir.filter(({ step }) => committed.has(step)).length;
  const ends = [...records.values()].map(({ endedAt }) => endedAt ?? Number.POSITIVE_INFINITY);
  return {
    firstMs: Math.min(...byHeir.map(({ at }) => at)) - killedAt,
    allDoneMs: Math.max(...ends) - aheadMs - killedAt,
    lost,
    committedRepeated,
    inFlightRepeated: repeated.length - committedRepeated,
  };
}

function isComplete(record: RunRecord | undefined, steps: number): boolean {
  return record?.status === "completed" && record.output !== null && valueOf(Buffer.from(record.output).toString("utf8")) === steps;
}
