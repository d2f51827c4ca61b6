import { createHash } from "node:crypto";
import type { Attributes, RunRecord, RunStatus } from "@perdure/world";
import { isName, isRunId } from "@perdure/world";
import type { Row, Transaction } from "../database/database.ts";
import { nameOf } from "./names.ts";

/** In the order of their numbers. */
export const STATUSES: readonly RunStatus[] = ["running", "completed", "failed", "cancelled"];

/** A status as it is stored. */
export function statusNumber(status: RunStatus): number {
  return STATUSES.indexOf(status);
}

/** A status as it was stored. */
export function statusOf(number: unknown): RunStatus {
  return STATUSES[number as number]!;
}

/** The columns of a RunRecord, of `r`. */
export const RUN_COLUMNS = `
  r.id, r.key, ${nameOf("r.workflow")} AS workflow, ${nameOf("r.version")} AS version, r.status, r.input, r.output, r.note, r.due_at, r.fence, r.created_at, r.ended_at,
  r.parent, r.parent_operation, r.successor, r.owner,
  CASE WHEN r.owner IS NULL THEN NULL ELSE (SELECT w.name FROM @workers w WHERE w.id = r.owner) END,
  (SELECT json_object_agg(a.name, a.value::json) FROM @attributes a WHERE a.run_id = r.id)`;

/** How many columns that is. */
export const RUN_WIDTH = 18;

/** Reads {@link RUN_COLUMNS}. */
export function toRecord(row: Row): RunRecord {
  const owner = row[15] as number | null;
  return {
    id: row[0] as string,
    key: row[1] as string | null,
    workflowId: row[2] as string,
    version: row[3] as string,
    status: statusOf(row[4]),
    input: row[5] as Uint8Array,
    output: row[6] as Uint8Array | null,
    note: row[7] as string | null,
    dueAt: numberOf(row[8]),
    fence: row[9] as number,
    createdAt: Number(row[10]),
    endedAt: numberOf(row[11]),
    parent: row[12] === null ? null : { runId: row[12] as string, operation: row[13] as string },
    successor: row[14] as string | null,
    // The row of a worker that has been dead for long is gone.
    owner: owner === null ? null : ((row[16] as string | null) ?? `worker ${owner}`),
    attributes: (row[17] as Attributes | null) ?? {},
  };
}

/** Clients of others may show int8 as text. */
function numberOf(value: unknown): number | null {
  return value === null ? null : Number(value);
}

const BY_ID = `SELECT ${RUN_COLUMNS} FROM @runs r WHERE r.id = $1`;
const BY_KEY = `SELECT ${RUN_COLUMNS} FROM @runs r WHERE r.key = $1`;

export async function recordById(transaction: Transaction, id: string): Promise<RunRecord | null> {
  const [row] = await transaction.all(BY_ID, [id]);
  return row === undefined ? null : toRecord(row);
}

export async function recordByKey(transaction: Transaction, key: string): Promise<RunRecord | null> {
  const [row] = await transaction.all(BY_KEY, [key]);
  return row === undefined ? null : toRecord(row);
}

/**
 * The id of a worker's row: a hash of its name, so that no process remembers a number that a restored backup would give to another one. 52 bits, which
 * a number holds exactly.
 */
export function workerId(name: string): number {
  let id = workerIds.get(name);
  if (id === undefined) {
    id = Number(createHash("sha256").update(name).digest().readBigUInt64BE() >> 12n);
    if (workerIds.size >= 1000) workerIds.clear();
    workerIds.set(name, id);
  }
  return id;
}

const workerIds = new Map<string, number>();

/** An id as a parameter: text that is no UUID names no run. */
export function runParam(id: string): string | null {
  return isRunId(id) ? id : null;
}

/** A name as a parameter: text that cannot be stored names nothing. */
export function nameParam(name: string): string | null {
  return isName(name) ? name : null;
}
