import type { StateEntry, StateWrite } from "@perdure/world";
import type { Transaction } from "../database/database.ts";
import { nameParam, runParam } from "./records.ts";

const PUBLISH = `
  INSERT INTO @state AS s (run_id, key, version, value) VALUES ($1, $2, 1, $3)
  ON CONFLICT (run_id, key) DO UPDATE SET version = s.version + 1, value = excluded.value`;
const ALL = "SELECT key, value, version FROM @state WHERE run_id = $1 AND value IS NOT NULL";
const ONE = `${ALL} AND key = $2`;

/** Writes a run's state. */
export async function publish(transaction: Transaction, run: string, writes: readonly StateWrite[]): Promise<void> {
  for (const { key, value } of writes) await transaction.run(PUBLISH, [run, key, value]);
}

/** {@link World.query} state. */
export async function queryState(transaction: Transaction, runId: string, key: string | undefined): Promise<StateEntry[]> {
  const id = runParam(runId);
  const rows = key === undefined ? await transaction.all(ALL, [id]) : await transaction.all(ONE, [id, nameParam(key)]);
  return rows.map((row) => ({ key: row[0] as string, value: row[1] as Uint8Array, version: row[2] as number }));
}
