import type { QueryRunsRequest, RunPage, RunRecord, World } from "@perdure/world";
import { assertCount, WorldError } from "@perdure/world";
import type { Transaction } from "../database.ts";
import type { SqlValue } from "../driver/driver.ts";
import { keyOfName, keyOfRun, recordOf, SELECT_RUN, toRecord } from "./records.ts";
import { keyOfKey } from "./runs.ts";

type HookHolder = Awaited<ReturnType<World["query"]["hook"]>>;

const HOOK = "SELECT r.uuid, h.operation, h.metadata FROM hooks h JOIN runs r ON r.id = h.run WHERE h.token = ?1";

/** {@link World.query} run. */
export function queryRun(transaction: Transaction, by: { readonly id: string } | { readonly key: string }): RunRecord | null {
  const run = "id" in by ? keyOfRun(transaction, by.id) : keyOfKey(transaction, by.key);
  return run === undefined ? null : recordOf(transaction, run);
}

/** {@link World.query} runsById. */
export function queryRunsById(transaction: Transaction, ids: readonly string[]): RunRecord[] {
  return [...new Set(ids)].flatMap((id) => queryRun(transaction, { id }) ?? []);
}

/** {@link World.query} runs. Integer keys grow in order of creation; the cursor is the last one of the page. */
export function queryRuns(transaction: Transaction, { status, workflowId, limit = 100, cursor }: QueryRunsRequest): RunPage {
  assertCount("The limit of a page of runs", limit, 1, 1000);
  const conditions = ["r.id < ?1"];
  const params: SqlValue[] = [cursor === undefined ? Number.MAX_SAFE_INTEGER : parseCursor(cursor), limit + 1];
  if (workflowId !== undefined) {
    const workflow = keyOfName(transaction, workflowId);
    if (workflow === undefined) return { runs: [], cursor: null };
    params.push(workflow);
    conditions.push(`r.workflow = ?${params.length}`);
  }
  if (status !== undefined) {
    params.push(status);
    // With both, the index of the workflow is used: "+" keeps SQLite from the one of the status, where one value may be nearly all.
    conditions.push(`${workflowId === undefined ? "" : "+"}r.status = ?${params.length}`);
  }
  const columns = SELECT_RUN.replace("SELECT", "SELECT r.id,");
  const rows = transaction.all(`${columns} WHERE ${conditions.join(" AND ")} ORDER BY r.id DESC LIMIT ?2`, params);
  const page = rows.slice(0, limit);
  return { runs: page.map((row) => toRecord(row.slice(1))), cursor: rows.length > limit ? String(page.at(-1)![0]) : null };
}

/** {@link World.query} hook. */
export function queryHook(transaction: Transaction, token: string): HookHolder {
  const row = transaction.get(HOOK, [token]) as readonly [string, string, Uint8Array | null] | undefined;
  return row === undefined ? null : { runId: row[0], operation: row[1], metadata: row[2] };
}

function parseCursor(cursor: string): number {
  const position = Number(cursor);
  if (/^\d{1,15}$/.test(cursor)) return position;
  throw new WorldError("WORLD_INVALID_ARGUMENT", `"${cursor}" is not a cursor of this World.`, {
    hint: "Pass the cursor of the page before.",
  });
}
