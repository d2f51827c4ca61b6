import type { RunEnd } from "@perdure/world";
import { storableText } from "@perdure/world";
import type { Transaction } from "../database/database.ts";
import { answerAwaits, forgetAwaits } from "./awaits.ts";
import { FREED_DATA } from "./outbox.ts";
import { runParam, statusNumber } from "./records.ts";

const LOCK = "SELECT status FROM @runs WHERE id = $1 FOR NO KEY UPDATE";
const END = `
  UPDATE @runs SET status = $2, ended_at = @now, note = $3, output = $4, owner = NULL, due_at = NULL, mail = 0, fence = fence + 1
  WHERE id = $1`;
const CONSUME_ALL = "UPDATE @messages SET payload = NULL WHERE run_id = $1 AND payload IS NOT NULL";
const DISPOSE_ALL = "DELETE FROM @hooks WHERE run_id = $1";
const FREE_ALL = `
  WITH gone AS (${DISPOSE_ALL} RETURNING token, run_id, operation, elsewhere)
  INSERT INTO @outbox (at, kind, data) SELECT @now, 'free', ${FREED_DATA} FROM gone WHERE elsewhere`;

/** {@link World.end} */
export async function end(transaction: Transaction, runId: string, how: RunEnd): Promise<"ended" | "already" | "not_found"> {
  return endOpenRun(transaction, runParam(runId), how);
}

/** Ends a run from outside if it is open, and tells those who await it. */
export async function endOpenRun(transaction: Transaction, run: string | null, how: RunEnd): Promise<"ended" | "already" | "not_found"> {
  const [row] = await transaction.all(LOCK, [run]);
  if (row === undefined) return "not_found";
  if (row[0] !== 0) return "already";
  const { status, output, note } = how;
  await transaction.run(END, [run, statusNumber(status), note === null ? null : storableText(note), output]);
  await releaseAll(transaction, run!);
  await forgetAwaits(transaction, run!);
  await answerAwaits(transaction, run!);
  return "ended";
}

/** Takes from a run that has ended what only open runs have beside their row: hooks, and messages that nobody read. */
export async function releaseAll(transaction: Transaction, run: string): Promise<void> {
  await transaction.run(CONSUME_ALL, [run]);
  if (transaction.locality === null) await transaction.run(DISPOSE_ALL, [run]);
  else if ((await transaction.run(FREE_ALL, [run])) > 0) transaction.locality.noteOutbox();
}
