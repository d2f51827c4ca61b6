import type { Claimed, ClaimedRun, ClaimRequest } from "@perdure/world";
import type { Transaction } from "../database.ts";
import { ownedMessages } from "./messages.ts";
import { recordOf } from "./records.ts";
import { deadWorkers, forgetIdle, freshLease, renew } from "./workers.ts";

export const FREE_DUE = `
  SELECT id, due_at FROM runs WHERE owner IS NULL AND due_at IS NOT NULL AND due_at <= ?1 ORDER BY due_at LIMIT ?2`;
export const OWNED_DUE = "SELECT id, due_at FROM runs WHERE owner = ?3 AND due_at <= ?1 ORDER BY due_at LIMIT ?2";
export const FREE_NEXT = "SELECT min(due_at) FROM runs WHERE owner IS NULL AND due_at IS NOT NULL AND due_at > ?1";
export const OWNED_NEXT = "SELECT min(due_at) FROM runs WHERE owner = ?2 AND due_at > ?1";

/** Terms on the right of SET see the row as it was: its former owner (none: nobody crashed), its length at the claim before. */
const TAKE = `
  UPDATE runs SET owner = ?2, fence = fence + 1, claim_length = ?3,
    crashes = CASE WHEN claim_length = ?3 THEN crashes ELSE 0 END + (owner IS NOT NULL)
  WHERE id = ?1 RETURNING crashes`;
const IS_OWNED = "SELECT owner IS NOT NULL FROM runs WHERE id = ?1";
const OWNED = "SELECT id, uuid FROM runs WHERE owner = ?1";
const SET_FREE = "UPDATE runs SET owner = NULL WHERE id = ?1";
const LENGTH = "SELECT coalesce(max(seq), 0) FROM history WHERE run = ?1";

/**
 * {@link World.claim} for a worker with nothing to claim and a fresh lease; null when a write is needed. Most polls of an idle worker
 * end here, without a lock and without touching the disk.
 */
export function claimNothing(transaction: Transaction, { worker, limit, leaseMs, holding }: ClaimRequest, now: number): Claimed | null {
  if (holding !== undefined) return null;
  const key = freshLease(transaction, worker, leaseMs, now);
  if (key === null) return null;
  const dead = deadWorkers(transaction, key, now);
  if (limit > 0 && findDue(transaction, dead, 1, now).length > 0) return null;
  return { runs: [], messages: ownedMessages(transaction, key), nextDueAt: nextDue(transaction, dead, now) };
}

/** {@link World.claim} */
export function claim(transaction: Transaction, { worker, limit, leaseMs, holding }: ClaimRequest, now: number): Claimed {
  const key = renew(transaction, worker, leaseMs, now);
  if (holding !== undefined) forget(transaction, key, new Set(holding));
  const messages = ownedMessages(transaction, key);
  const dead = deadWorkers(transaction, key, now);
  const runs = findDue(transaction, dead, limit, now).map((run) => take(transaction, run, key));
  forgetIdle(transaction, dead);
  return { runs, messages, nextDueAt: nextDue(transaction, dead, now) };
}

/** Sets free what belongs to the worker without its knowing. */
function forget(transaction: Transaction, worker: number, holding: ReadonlySet<string>): void {
  for (const [run, id] of transaction.all(OWNED, [worker])) {
    if (!holding.has(id as string)) transaction.run(SET_FREE, [run!]);
  }
}

/** The keys of due runs without a living owner, earliest first. */
function findDue(transaction: Transaction, dead: readonly number[], limit: number, now: number): number[] {
  if (limit === 0) return [];
  const due = [...transaction.all(FREE_DUE, [now, limit])];
  for (const worker of dead) due.push(...transaction.all(OWNED_DUE, [now, limit, worker]));
  due.sort((a, b) => Number(a[1]) - Number(b[1]));
  return due.slice(0, limit).map(([id]) => id as number);
}

function take(transaction: Transaction, run: number, worker: number): ClaimedRun {
  const length = transaction.get(LENGTH, [run])![0] as number;
  const isTakeover = transaction.get(IS_OWNED, [run])![0] === 1;
  const crashes = transaction.get(TAKE, [run, worker, length])![0] as number;
  return { run: recordOf(transaction, run), isTakeover, crashes };
}

function nextDue(transaction: Transaction, dead: readonly number[], now: number): number | null {
  let next = transaction.get(FREE_NEXT, [now])![0] as number | null;
  for (const worker of dead) {
    const owned = transaction.get(OWNED_NEXT, [now, worker])![0] as number | null;
    if (owned !== null && (next === null || owned < next)) next = owned;
  }
  return next;
}
