import type { CreatedRun, NewRun, Release } from "../index.ts";
import { assertNewRuns, assertWorker, attributeTexts } from "../index.ts";
import { endRun } from "./end.ts";
import { emptyTables, copy, recordOf, setDue, type Store, type StoredRun } from "./store.ts";

/** {@link World.createRuns} */
export function createRuns(store: Store, runs: readonly NewRun[], owner: string | null): CreatedRun[] {
  assertNewRuns(runs);
  if (owner !== null) assertWorker(owner);
  return runs.map((run) => createRun(store, run, owner));
}

/** Creates one run, or finds the one that exists. */
export function createRun(store: Store, run: NewRun, owner: string | null): CreatedRun {
  const holder = run.key === null ? undefined : store.keys.get(run.key);
  const existing = store.runs.get(run.id) ?? (run.ifKeyExists === "replace" ? undefined : holder);
  if (existing !== undefined) return { run: recordOf(existing), created: false, replaced: null };
  if (holder !== undefined) replace(store, holder, run);
  const stored = newlyStored(run, owner, store.now());
  store.runs.set(stored.id, stored);
  store.open.add(stored);
  if (stored.key !== null) store.keys.set(stored.key, stored);
  store.hints.due();
  return { run: recordOf(stored), created: true, replaced: holder?.id ?? null };
}

/** Takes the key from the run that has it, which is ended if it is open. */
function replace(store: Store, holder: StoredRun, { id, replaceOutput = null }: NewRun): void {
  endRun(store, holder.id, { status: "cancelled", output: replaceOutput, note: `replaced by ${id}` });
  holder.key = null;
}

function newlyStored(run: NewRun, owner: string | null, now: number): StoredRun {
  return {
    id: run.id,
    key: run.key,
    workflowId: run.workflowId,
    version: run.version,
    parent: run.parent ? { runId: run.parent.runId, operation: run.parent.operation } : null,
    attributes: new Map(attributeTexts(run.attributes ?? {})),
    input: copy(run.input),
    createdAt: now,
    status: "running",
    output: null,
    note: null,
    dueAt: run.dueAt ?? now,
    owner,
    fence: owner === null ? 0 : 1,
    endedAt: null,
    successor: null,
    crashes: 0,
    lengthAtClaim: 0,
    // (Fence 0 is nobody's.)
    history: (run.history ?? []).map((data) => ({ fence: 0, data: copy(data) })),
    ...emptyTables(),
  };
}

/** {@link World.release} */
export function release(store: Store, worker: string, leases: readonly Release[]): void {
  for (const lease of leases) {
    const run = store.runs.get(lease.runId);
    if (run === undefined || run.owner !== worker || run.fence !== lease.fence) continue;
    run.owner = null;
    if (lease.dueAt !== undefined) setDue(run, lease.dueAt, store.now());
  }
  store.hints.due();
}
