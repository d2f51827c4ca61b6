import type { QueryRunsRequest, RunPage, RunRecord, VersionList, World } from "@perdure/world";
import { assertQueryRuns, WorldError } from "@perdure/world";
import type { Transaction } from "../database.ts";
import type { SqlValue } from "../driver/driver.ts";
import { rarestFirst } from "./attributes.ts";
import { keyOfKey, keyOfName, keyOfRun, recordOf, SELECT_RUN, toRecord } from "./records.ts";

/** Along the index of statuses: it reads open runs alone, whatever the others are. ("+": not along that of the workflow.) */
const VERSIONS = `
  SELECT (SELECT name FROM names WHERE id = workflow), (SELECT name FROM names WHERE id = version), count(*)
  FROM runs WHERE status = 'running' AND (?1 IS NULL OR +workflow = ?1) GROUP BY +workflow, +version ORDER BY 1`;

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

/**
 * {@link World.query} runs. Integer keys grow in order of creation; the cursor is the last one of the page.
 *
 * A search walks one index from the newest run on and checks the rest run by run: that of the parent, else of the rarest attribute, else of
 * the workflow, else of the status, else the runs themselves. "+" keeps SQLite from choosing another one.
 */
export function queryRuns(transaction: Transaction, request: QueryRunsRequest): RunPage {
  assertQueryRuns(request);
  const { status, workflowId, parent, attributes = {}, limit = 100, cursor } = request;
  const params: SqlValue[] = [cursor === undefined ? Number.MAX_SAFE_INTEGER : parseCursor(cursor), limit + 1];
  const conditions: string[] = [];
  let from = "runs r";
  let position = "r.id";
  let isIndexed = false;
  const bind = (value: SqlValue): string => `?${params.push(value)}`;
  const where = (column: string, value: SqlValue): void => {
    conditions.push(`${isIndexed ? "+" : ""}${column} = ${bind(value)}`);
    isIndexed = true;
  };

  if (parent !== undefined) where("r.parent", parent);
  for (const [name, text] of rarestFirst(transaction, attributes)) {
    if (isIndexed) {
      conditions.push(`EXISTS (SELECT 1 FROM attributes x WHERE x.run = r.id AND x.name = ${bind(name)} AND x.value = ${bind(text)})`);
      continue;
    }
    from = "attributes a CROSS JOIN runs r ON r.id = a.run";
    position = "a.run";
    conditions.push(`a.name = ${bind(name)}`);
    where("a.value", text);
  }
  if (workflowId !== undefined) {
    const workflow = keyOfName(transaction, workflowId);
    if (workflow === undefined) return { runs: [], cursor: null };
    where("r.workflow", workflow);
  }
  if (status !== undefined) where("r.status", status);

  conditions.push(`${position} < ?1`);
  const columns = SELECT_RUN.replace("SELECT", "SELECT r.id,").replace("FROM runs r", `FROM ${from}`);
  const rows = transaction.all(`${columns} WHERE ${conditions.join(" AND ")} ORDER BY ${position} DESC LIMIT ?2`, params);
  const page = rows.slice(0, limit);
  return { runs: page.map((row) => toRecord(row.slice(1))), cursor: rows.length > limit ? String(page.at(-1)![0]) : null };
}

/** {@link World.query} versions. */
export function queryVersions(transaction: Transaction, workflowId: string | undefined): VersionList {
  const workflow = workflowId === undefined ? null : keyOfName(transaction, workflowId);
  if (workflow === undefined) return { versions: [] };
  const rows = transaction.all(VERSIONS, [workflow]) as readonly (readonly [string, string, number])[];
  return { versions: rows.map(([id, version, open]) => ({ workflowId: id, version, open })) };
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
