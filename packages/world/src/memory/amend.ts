import type { Amendment, Rewind } from "../index.ts";
import { answerId, assertAmendment, storableText } from "../index.ts";
import { addAwaits } from "./awaits.ts";
import { dropHook } from "./end.ts";
import { receive } from "./messages.ts";
import { emptyTables, type Store, type StoredRun } from "./store.ts";

/** {@link World.amend} */
export function amend(store: Store, runId: string, amendment: Amendment): "amended" | "changed" | "not_found" {
  assertAmendment(runId, amendment);
  const run = store.runs.get(runId);
  if (run === undefined) return "not_found";
  const { seen, version, rewind } = amendment;
  const isDone = rewind === undefined ? run.version === version && run.fence > seen.fence : store.runs.has(rewind.copy.id);
  if (isDone) return "amended";
  const isAsSeen = run.status === seen.status && run.fence === seen.fence && run.history.length === (rewind?.length ?? run.history.length);
  if (!isAsSeen || run.successor !== null || (rewind === undefined && run.status !== "running")) return "changed";
  if (rewind !== undefined) takeBack(store, run, rewind);
  reopen(store, run, version ?? run.version);
  for (const message of rewind?.messages ?? []) receive(store, run, message);
  for (const one of rewind?.awaits ?? []) {
    if (run.waiting.has(answerId(one.operation))) continue;
    run.delivered.delete(answerId(one.operation));
    addAwaits(store, run, [one]);
  }
  return "amended";
}

function takeBack(store: Store, run: StoredRun, { keepRows, copy, operations, forgotten, messages }: Rewind): void {
  store.runs.set(copy.id, copyOf(run, copy.id, copy.note, store.now()));
  run.history.length = keepRows;
  const open = new Set(operations);
  for (const hook of run.hooks.values()) if (!open.has(hook.operation)) dropHook(store, run, hook.token);
  for (const [operation, pending] of run.awaits) {
    if (open.has(operation)) continue;
    pending.awaited.awaiters.delete(pending);
    run.awaits.delete(operation);
  }
  const gone = new Set([...forgotten, ...messages.map(({ id }) => id)]);
  for (const [id, operation] of run.delivered) {
    if (!gone.has(id) && (operation === null || open.has(operation))) continue;
    run.delivered.delete(id);
    run.waiting.delete(id);
  }
}

/** The run as it was, over and nobody's. (Bytes in a store are never changed, and may be shared.) */
function copyOf(run: StoredRun, id: string, note: string, now: number): StoredRun {
  return {
    ...run,
    id,
    key: null,
    parent: { runId: run.id, operation: "rewind" },
    attributes: new Map(),
    createdAt: now,
    endedAt: now,
    status: run.status === "running" ? "cancelled" : run.status,
    note: storableText(note),
    dueAt: null,
    owner: null,
    history: [...run.history],
    ...emptyTables(),
  };
}

function reopen(store: Store, run: StoredRun, version: string): void {
  run.version = version;
  run.status = "running";
  run.output = null;
  run.note = null;
  run.owner = null;
  run.dueAt = store.now();
  run.endedAt = null;
  run.fence += 1;
  run.crashes = 0;
  run.lengthAtClaim = run.history.length;
  store.open.add(run);
  store.hints.due();
  store.hints.ended(run.id);
}
