import type { Transaction } from "../database.ts";
import { isGone, place } from "../place.ts";
import { keyOfWorker } from "./records.ts";

const ADD = "INSERT INTO workers (name, lease_until, place, pid) VALUES (?1, 0, ?2, ?3) RETURNING id";
const RENEW = `
  INSERT INTO workers (name, lease_until, place, pid) VALUES (?1, ?2, ?3, ?4)
  ON CONFLICT (name) DO UPDATE SET lease_until = excluded.lease_until, place = excluded.place, pid = excluded.pid RETURNING id`;
const LEASE = "SELECT id, lease_until, place, pid FROM workers WHERE name = ?1";
const ALL = "SELECT id, lease_until, place, pid FROM workers"; // a row per running process
const GIVE_UP_RUNS = "UPDATE runs SET owner = NULL WHERE owner = ?1";
const REMOVE = "DELETE FROM workers WHERE id = ?1";
const OWNS_RUNS = "SELECT 1 FROM runs WHERE owner = ?1 LIMIT 1";

/** Registers a worker that has no lease yet; returns its key. */
export function addWorker(transaction: Transaction, worker: string): number {
  return transaction.get(ADD, [worker, place, process.pid])![0] as number;
}

/** {@link World.heartbeat}; returns the worker's key. */
export function renew(transaction: Transaction, worker: string, leaseMs: number, now: number): number {
  return transaction.get(RENEW, [worker, now + leaseMs, place, process.pid])![0] as number;
}

/**
 * The worker's key when its lease was renewed by this process less than a third of it ago, so that another renewal can wait
 * (an idle worker must not write to the disk with each poll); else null.
 */
export function freshLease(transaction: Transaction, worker: string, leaseMs: number, now: number): number | null {
  const row = transaction.get(LEASE, [worker]);
  if (row === undefined) return null;
  const [id, leaseUntil, where, pid] = row as [number, number, string, number];
  const left = leaseUntil - now;
  return left > (leaseMs * 2) / 3 && left <= leaseMs && where === place && pid === process.pid ? id : null;
}

/** The keys of the workers (but for one) whose lease is over, or whose process on this machine is gone. */
export function deadWorkers(transaction: Transaction, except: number | null, now: number): number[] {
  const rows = transaction.all(ALL, []) as readonly (readonly [number, number, string, number])[];
  return rows.filter(([id, leaseUntil, where, pid]) => id !== except && (leaseUntil <= now || isGone(where, pid))).map(([id]) => id);
}

/** Forgets dead workers that own nothing any more. */
export function forgetIdle(transaction: Transaction, dead: readonly number[]): void {
  for (const worker of dead) if (transaction.get(OWNS_RUNS, [worker]) === undefined) transaction.run(REMOVE, [worker]);
}

/** {@link World.retire} */
export function retire(transaction: Transaction, worker: string): void {
  const key = keyOfWorker(transaction, worker);
  if (key === undefined) return;
  transaction.run(GIVE_UP_RUNS, [key]);
  transaction.run(REMOVE, [key]);
}
