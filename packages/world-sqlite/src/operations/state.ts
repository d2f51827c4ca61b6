import type { StateEntry, StateWrite } from "@perdure/world";
import type { Transaction } from "../database.ts";
import { keyOfRun } from "./records.ts";

const PUBLISH = `
  INSERT INTO state (run, key, version, value) VALUES (?1, ?2, 1, ?3)
  ON CONFLICT (run, key) DO UPDATE SET version = version + 1, value = excluded.value`;
const ALL = "SELECT key, value, version FROM state WHERE run = ?1 AND value IS NOT NULL";
const ONE = `${ALL} AND key = ?2`;

/** Writes a run's state. */
export function publish(transaction: Transaction, run: number, writes: readonly StateWrite[]): void {
  for (const { key, value } of writes) transaction.run(PUBLISH, [run, key, value]);
}

/** {@link World.query} state. */
export function queryState(transaction: Transaction, runId: string, key: string | undefined): StateEntry[] {
  const run = keyOfRun(transaction, runId);
  if (run === undefined) return [];
  const rows = key === undefined ? transaction.all(ALL, [run]) : transaction.all(ONE, [run, key]);
  return rows.map((row) => ({ key: row[0] as string, value: row[1] as Uint8Array, version: row[2] as number }));
}
