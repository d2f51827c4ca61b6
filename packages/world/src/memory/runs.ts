import type { CreatedRun, NewRun, Release } from "../index.ts";
import { assertNewRuns, assertWorker } from "../index.ts";
import { copy, recordOf, setDue, type Store, type StoredRun } from "./store.ts";

/** {@link World.createRuns} */
export function createRuns(store: Store, runs: readonly NewRun[], owner: string | null): CreatedRun[] {
  assertNewRuns(runs);
  if (owner !== null) assertWorker(owner);
  const results = runs.map((run) => createRun(store, run, owner));
  if (results.some(({ created }) => created)) store.hints.due();
  return results;
}

function createRun(store: Store, run: NewRun, owner: string | null): CreatedRun {
  const existing = store.runs.get(run.id) ?? (run.key === null ? undefined : store.keys.get(run.key));
  if (existing !== undefined) return { run: recordOf(existing), created: false };
  const now = store.now();
  const stored: StoredRun = {
    id: run.id,
    key: run.key,
    workflowId: run.workflowId,
    version: run.version,
    input: copy(run.input),
    createdAt: now,
    status: "running",
    output: null,
    note: null,
    dueAt: run.dueAt ?? now,
    owner,
    fence: owner === null ? 0 : 1,
    endedAt: null,
    crashes: 0,
    lengthAtClaim: 0,
    history: [],
    hooks: new Map(),
    delivered: new Set(),
    waiting: new Map(),
    streams: new Map(),
  };
  store.runs.set(stored.id, stored);
  store.open.add(stored);
  if (stored.key !== null) store.keys.set(stored.key, stored);
  return { run: recordOf(stored), created: true };
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
