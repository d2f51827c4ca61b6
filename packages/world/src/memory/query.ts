import type { QueryRunsRequest, RunPage, RunRecord, StateEntry, VersionList, VersionRecord, World } from "../index.ts";
import { assertQueryRuns, attributeTexts, WorldError } from "../index.ts";
import { copy, recordOf, type Store, type StoredRun } from "./store.ts";

type HookHolder = Awaited<ReturnType<World["query"]["hook"]>>;

/** {@link World.query} run. */
export function queryRun(store: Store, by: { readonly id: string } | { readonly key: string }): RunRecord | null {
  const run = "id" in by ? store.runs.get(by.id) : store.keys.get(by.key);
  return run === undefined ? null : recordOf(run);
}

/** {@link World.query} runsById. */
export function queryRunsById(store: Store, ids: readonly string[]): RunRecord[] {
  return [...new Set(ids)].flatMap((id) => {
    const run = store.runs.get(id);
    return run === undefined ? [] : [recordOf(run)];
  });
}

/** {@link World.query} runs. The cursor is the id of the last run of the page. */
export function queryRuns(store: Store, request: QueryRunsRequest): RunPage {
  assertQueryRuns(request);
  const { limit = 100, cursor } = request;
  let started = cursor === undefined;
  if (cursor !== undefined && !store.runs.has(cursor)) throw badCursor(cursor);
  const matching: StoredRun[] = [];
  for (const run of [...store.runs.values()].reverse()) {
    if (!started) started = run.id === cursor;
    else if (matches(run, request)) matching.push(run);
    if (matching.length > limit) break;
  }
  const page = matching.slice(0, limit);
  return { runs: page.map(recordOf), cursor: matching.length > limit ? page.at(-1)!.id : null };
}

function matches(run: StoredRun, { status, workflowId, parent, attributes = {} }: QueryRunsRequest): boolean {
  if (status !== undefined && status !== run.status) return false;
  if (workflowId !== undefined && workflowId !== run.workflowId) return false;
  if (parent !== undefined && parent !== run.parent?.runId) return false;
  return attributeTexts(attributes).every(([name, text]) => run.attributes.get(name) === text);
}

/** {@link World.query} state. */
export function queryState(store: Store, runId: string, only: string | undefined): StateEntry[] {
  const entries = [...(store.runs.get(runId)?.state ?? [])];
  return entries.flatMap(([key, { value, version }]) => {
    return value === null || key !== (only ?? key) ? [] : [{ key, value: copy(value), version }];
  });
}

/** {@link World.query} versions. */
export function queryVersions(store: Store, only: string | undefined): VersionList {
  const counts = new Map<string, VersionRecord>();
  for (const { workflowId, version } of store.open) {
    if (workflowId !== (only ?? workflowId)) continue;
    const key = JSON.stringify([workflowId, version]);
    counts.set(key, { workflowId, version, open: (counts.get(key)?.open ?? 0) + 1 });
  }
  return { versions: [...counts.values()].sort((a, b) => (a.workflowId < b.workflowId ? -1 : a.workflowId > b.workflowId ? 1 : 0)) };
}

/** {@link World.query} hook. */
export function queryHook(store: Store, token: string): HookHolder {
  const hook = store.tokens.get(token);
  if (hook === undefined) return null;
  return { runId: hook.runId, operation: hook.operation, metadata: hook.metadata === null ? null : copy(hook.metadata) };
}

function badCursor(cursor: string): WorldError {
  return new WorldError("WORLD_INVALID_ARGUMENT", `"${cursor}" is not a cursor of this World.`, {
    hint: "Pass the cursor of the page before.",
  });
}
