import type { QueryRunsRequest, RunPage, RunRecord, VersionList, VersionRecord, World } from "@perdure/world";
import { assertQueryRuns, attributeTexts, isName, WorldError } from "@perdure/world";
import { plainArray } from "../database/arrays.ts";
import type { Transaction } from "../database/database.ts";
import { nameId, nameOf } from "./names.ts";
import { nameParam, recordById, recordByKey, RUN_COLUMNS, runParam, statusNumber, STATUSES, toRecord } from "./records.ts";

/** The newest runs of each status, which an index has in their order: the server merges them, and reads on where the next one is. */
const NEWEST = STATUSES.map((_, status) => `(SELECT * FROM @runs WHERE status = ${status} AND number < $1 ORDER BY number DESC LIMIT $2)`);

type HookHolder = Awaited<ReturnType<World["query"]["hook"]>>;

const HOOK = "SELECT run_id, operation, metadata FROM @hooks WHERE token = $1";
const BY_IDS = `SELECT ${RUN_COLUMNS} FROM @runs r WHERE r.id = ANY($1::uuid[])`;

/** {@link World.query} run. */
export async function queryRun(
  transaction: Transaction,
  by: { readonly id: string } | { readonly key: string },
): Promise<RunRecord | null> {
  const param = "id" in by ? runParam(by.id) : nameParam(by.key);
  if (param === null) return null;
  return "id" in by ? recordById(transaction, param) : recordByKey(transaction, param);
}

/**
 * Open runs by version, a page at a time, along the part of the index of statuses that they have: finished ones are not looked at, however many there are, and no statement takes long. (`+ 0`: not
 * along the index of the workflow, which has them all. As one statement it was a sequential scan, where a quarter of the runs was open.) An index of open runs by version would cost each claim a
 * write, and this is asked by people.
 */
const VERSIONS = `
  SELECT ${nameOf("c.workflow")}, ${nameOf("c.version")}, c.open FROM (
    SELECT workflow, version, count(*) AS open FROM (
      SELECT r.workflow, r.version FROM @runs r WHERE r.status = 0 AND r.number > $2 AND r.number <= $3
    ) p WHERE $1::int8 IS NULL OR p.workflow + 0 = $1 GROUP BY workflow, version
  ) c`;
const PAGE_END = "SELECT max(number) FROM (SELECT number FROM @runs WHERE status = 0 AND number > $1 ORDER BY number LIMIT $2) p";
const pageSize = 5000;

/** {@link World.query} versions. Runs that begin or end meanwhile are counted or not. */
export async function queryVersions(transaction: Transaction, workflowId: string | undefined): Promise<VersionList> {
  if (workflowId !== undefined && !isName(workflowId)) return { versions: [] };
  const workflow = workflowId === undefined ? null : nameId(workflowId);
  const counts = new Map<string, VersionRecord>();
  for (let after = 0; ;) {
    const end = (await transaction.all(PAGE_END, [after, pageSize]))[0]![0] as number | null;
    if (end === null) break;
    const rows = (await transaction.all(VERSIONS, [workflow, after, end])) as readonly unknown[] as readonly [string, string, number][];
    for (const [id, version, open] of rows) {
      const key = JSON.stringify([id, version]);
      counts.set(key, { workflowId: id, version, open: Number(open) + (counts.get(key)?.open ?? 0) });
    }
    after = Number(end);
  }
  return { versions: [...counts.values()].sort((a, b) => (a.workflowId < b.workflowId ? -1 : a.workflowId > b.workflowId ? 1 : 0)) };
}

/** {@link World.query} runsById. */
export async function queryRunsById(transaction: Transaction, ids: readonly string[]): Promise<RunRecord[]> {
  const known = ids.filter((id) => runParam(id) !== null);
  return known.length === 0 ? [] : (await transaction.all(BY_IDS, [plainArray(known)])).map(toRecord);
}

/**
 * {@link World.query} runs. (`|| ''`: a further attribute is looked up in the run, not the other way round.) Numbers grow in order of creation; the cursor is the last one of the page. Each condition has an index in that order; which of them
 * is the rarest is what the server's statistics are for.
 */
export async function queryRuns(transaction: Transaction, request: QueryRunsRequest): Promise<RunPage> {
  const { runs, numbers, hasMore } = await numberedRuns(transaction, request);
  return { runs, cursor: hasMore ? String(numbers.at(-1)) : null };
}

/** A page of runs, each with the number that is the cursor behind it. */
export async function numberedRuns(
  transaction: Transaction,
  request: QueryRunsRequest,
): Promise<{ readonly runs: RunRecord[]; readonly numbers: number[]; readonly hasMore: boolean }> {
  assertQueryRuns(request);
  const { status, workflowId, parent, attributes = {}, limit = 100, cursor } = request;
  const params: unknown[] = [cursor === undefined ? Number.MAX_SAFE_INTEGER : parseCursor(cursor), limit + 1];
  const bind = (value: unknown): string => `$${params.push(value)}`;
  const conditions = ["r.number < $1"];
  if (status !== undefined) conditions.push(`r.status = ${bind(statusNumber(status))}`);
  if (workflowId !== undefined) conditions.push(`r.workflow = ${bind(isName(workflowId) ? nameId(workflowId) : null)}`);
  if (parent !== undefined) conditions.push(`r.parent = ${bind(runParam(parent))}`);
  const pairs = attributeTexts(attributes);
  const [first, ...others] = pairs;
  for (const [name, text] of others) {
    conditions.push(
      `EXISTS (SELECT 1 FROM @attributes x WHERE x.run_id = r.id AND x.name = ${bind(name)} AND x.value || '' = ${bind(text)})`,
    );
  }
  let from = conditions.length === 1 ? `(${NEWEST.join(" UNION ALL ")}) r` : "@runs r";
  let order = "r.number";
  if (first !== undefined) {
    from = "@attributes a JOIN @runs r ON r.id = a.run_id";
    conditions.push(`a.name = ${bind(first[0])} AND a.value = ${bind(first[1])} AND a.number < $1`);
    order = "a.number";
  }
  const template = `SELECT ${RUN_COLUMNS}, r.number FROM ${from} WHERE ${conditions.join(" AND ")} ORDER BY ${order} DESC LIMIT $2`;
  const rows = await transaction.all(template, params);
  const page = rows.slice(0, limit);
  return { runs: page.map(toRecord), numbers: page.map((row) => row.at(-1) as number), hasMore: rows.length > limit };
}

/** {@link World.query} hook. */
export async function queryHook(transaction: Transaction, token: string): Promise<HookHolder> {
  const [row] = await transaction.all(HOOK, [nameParam(token)]);
  return row === undefined ? null : { runId: row[0] as string, operation: row[1] as string, metadata: row[2] as Uint8Array | null };
}

function parseCursor(cursor: string): number {
  if (/^\d{1,15}$/.test(cursor)) return Number(cursor);
  throw new WorldError("WORLD_INVALID_ARGUMENT", `"${cursor}" is not a cursor of this World.`, {
    hint: "Pass the cursor of the page before.",
  });
}
