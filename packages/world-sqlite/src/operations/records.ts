import type { Attributes, RunParent, RunRecord, RunStatus } from "@perdure/world";
import { WorldError } from "@perdure/world";
import type { SqlValue } from "../driver/driver.ts";
import type { Transaction } from "../database.ts";

/**
 * The columns of a RunRecord. CROSS JOIN keeps the order: SQLite then starts at the run rows, whatever the WHERE says of them.
 */
export const SELECT_RUN = `
  SELECT r.uuid, r.key, w.name, v.name, r.status, i.data, o.data, r.note, r.due_at, k.name, r.fence, r.created_at, r.ended_at,
    r.parent, r.parent_operation, (SELECT json_group_object(name, json(value)) FROM attributes WHERE run = r.id),
    r.successor
  FROM runs r CROSS JOIN names w ON w.id = r.workflow CROSS JOIN names v ON v.id = r.version CROSS JOIN inputs i ON i.run = r.id
    LEFT JOIN outputs o ON o.run = r.id LEFT JOIN workers k ON k.id = r.owner`;

const RUN_BY_ID = `${SELECT_RUN} WHERE r.id = ?1`;
const KEY_OF_UUID = "SELECT id FROM runs WHERE uuid = ?1";
const KEY_OF_KEY = "SELECT id FROM runs WHERE key = ?1";
const WORKER = "SELECT id FROM workers WHERE name = ?1";
const NAME = "SELECT id FROM names WHERE name = ?1";
const ADD_NAME = "INSERT INTO names (name) VALUES (?1) RETURNING id";

/** Reads a row of {@link SELECT_RUN}. */
export function toRecord(row: readonly SqlValue[]): RunRecord {
  return {
    id: row[0] as string,
    key: row[1] as string | null,
    workflowId: row[2] as string,
    version: row[3] as string,
    parent: row[13] === null ? null : ({ runId: row[13], operation: row[14] } as RunParent),
    attributes: JSON.parse(row[15] as string) as Attributes,
    status: row[4] as RunStatus,
    input: row[5] as Uint8Array,
    output: row[6] as Uint8Array | null,
    note: row[7] as string | null,
    dueAt: row[8] as number | null,
    owner: row[9] as string | null,
    fence: row[10] as number,
    createdAt: row[11] as number,
    endedAt: row[12] as number | null,
    successor: row[16] as string | null,
  };
}

/** The record of the run with this integer key. */
export function recordOf(transaction: Transaction, run: number): RunRecord {
  return toRecord(transaction.get(RUN_BY_ID, [run])!);
}

/** The integer key of a run, or undefined when there is no such run. */
export function keyOfRun(transaction: Transaction, uuid: string): number | undefined {
  return transaction.key("run", uuid, () => transaction.get(KEY_OF_UUID, [uuid])?.[0] as number | undefined);
}

/** The integer key of the run with this caller's key. Never remembered: a key goes from one run to another. */
export function keyOfKey(transaction: Transaction, key: string): number | undefined {
  return transaction.get(KEY_OF_KEY, [key])?.[0] as number | undefined;
}

/** The integer key of a run. @throws RUN_NOT_FOUND */
export function existingRun(transaction: Transaction, uuid: string): number {
  const run = keyOfRun(transaction, uuid);
  if (run === undefined) throw new WorldError("RUN_NOT_FOUND", `There is no run ${uuid}.`, { hint: "Check the id of the run." });
  return run;
}

/** The integer key of a worker that has ever had a lease and is not retired. Never remembered: a worker's row comes and goes. */
export function keyOfWorker(transaction: Transaction, worker: string): number | undefined {
  return transaction.get(WORKER, [worker])?.[0] as number | undefined;
}

/** The integer key of a workflow id or version, or undefined when no run has it. */
export function keyOfName(transaction: Transaction, name: string): number | undefined {
  return transaction.key("name", name, () => transaction.get(NAME, [name])?.[0] as number | undefined);
}

/** The integer key of a workflow id or version, made when it is new. */
export function internName(transaction: Transaction, name: string): number {
  const find = (): number => (keyOfName(transaction, name) ?? transaction.get(ADD_NAME, [name])![0]) as number;
  return transaction.key("name", name, find)!;
}
