import type { RunEnd } from "@perdure/world";
import { storableText } from "@perdure/world";
import type { Transaction } from "../database.ts";
import { answerAwaits, forgetAwaits } from "./awaits.ts";
import { keyOfRun } from "./records.ts";

const END = `
  UPDATE runs SET status = ?2, ended_at = ?3, note = ?4, owner = NULL, due_at = NULL, mail = 0, fence = fence + 1
  WHERE id = ?1 AND status = 'running'`;
const EXISTS = "SELECT 1 FROM runs WHERE id = ?1";
const CONSUME_ALL = "UPDATE messages SET payload = NULL WHERE run = ?1 AND payload IS NOT NULL";
const DISPOSE_ALL = "DELETE FROM hooks WHERE run = ?1";
const SET_OUTPUT = "INSERT INTO outputs (run, data) VALUES (?1, ?2) ON CONFLICT (run) DO UPDATE SET data = excluded.data";
const CLEAR_OUTPUT = "DELETE FROM outputs WHERE run = ?1";

/** {@link World.end} */
export function end(transaction: Transaction, runId: string, how: RunEnd, now: number): "ended" | "already" | "not_found" {
  const run = keyOfRun(transaction, runId);
  if (run === undefined) return "not_found";
  if (endOpenRun(transaction, run, how, now)) return "ended";
  return transaction.get(EXISTS, [run]) === undefined ? "not_found" : "already";
}

/** Ends a run from outside if it is open, and tells those who await it; returns whether it was. */
export function endOpenRun(transaction: Transaction, run: number, { status, output, note }: RunEnd, now: number): boolean {
  if (transaction.run(END, [run, status, now, note === null ? null : storableText(note)]) === 0) return false;
  releaseAll(transaction, run);
  setOutput(transaction, run, output);
  forgetAwaits(transaction, run);
  answerAwaits(transaction, run, now);
  return true;
}

/** Takes from a run that has ended what only open runs have beside their row: hooks, and messages that nobody read. */
export function releaseAll(transaction: Transaction, run: number): void {
  transaction.run(CONSUME_ALL, [run]);
  transaction.run(DISPOSE_ALL, [run]);
}

/** Sets or clears a run's output. */
export function setOutput(transaction: Transaction, run: number, output: Uint8Array | null): void {
  if (output === null) transaction.run(CLEAR_OUTPUT, [run]);
  else transaction.run(SET_OUTPUT, [run, output]);
}
