import type { Claimed, ClaimedRun, ClaimRequest, ReceivedMessage } from "../index.ts";
import { assertCount, assertWorker } from "../index.ts";
import { recordOf, type Store, type StoredRun, waitingMessages } from "./store.ts";

/** {@link World.claim}. Looks at every open run; finished runs cost nothing. */
export function claim(store: Store, { worker, limit, leaseMs, holding }: ClaimRequest): Claimed {
  assertWorker(worker, leaseMs);
  assertCount("The limit of a claim", limit, 0);
  const now = store.now();
  heartbeat(store, worker, leaseMs);
  if (holding) forget(store, worker, new Set(holding));
  const messages: ReceivedMessage[] = [];
  const due: StoredRun[] = [];
  let nextDueAt: number | null = null;
  for (const run of store.open) {
    if (run.owner === worker) messages.push(...waitingMessages(run));
    if (run.dueAt === null || (run.owner !== null && isAlive(store, run.owner, now))) continue;
    if (run.dueAt <= now) due.push(run);
    else nextDueAt = Math.min(nextDueAt ?? run.dueAt, run.dueAt);
  }
  due.sort((a, b) => a.dueAt! - b.dueAt!);
  return { runs: due.slice(0, limit).map((run) => take(run, worker)), messages, nextDueAt };
}

/** Sets free what belongs to the worker without its knowing. */
function forget(store: Store, worker: string, holding: ReadonlySet<string>): void {
  for (const run of store.open) if (run.owner === worker && !holding.has(run.id)) run.owner = null;
}

function take(run: StoredRun, worker: string): ClaimedRun {
  const isTakeover = run.owner !== null;
  if (run.history.length > run.lengthAtClaim) run.crashes = 0;
  if (isTakeover) run.crashes++;
  run.owner = worker;
  run.fence += 1;
  run.lengthAtClaim = run.history.length;
  return { run: recordOf(run), isTakeover, crashes: run.crashes };
}

function isAlive(store: Store, worker: string, now: number): boolean {
  return (store.leases.get(worker) ?? 0) > now;
}

/** {@link World.heartbeat} */
export function heartbeat(store: Store, worker: string, leaseMs: number): void {
  assertWorker(worker, leaseMs);
  store.leases.set(worker, store.now() + leaseMs);
}

/** {@link World.retire} */
export function retire(store: Store, worker: string): void {
  assertWorker(worker);
  store.leases.delete(worker);
  for (const run of store.open) if (run.owner === worker) run.owner = null;
  store.hints.due();
}
