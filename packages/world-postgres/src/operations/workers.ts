import type { Transaction } from "../database/database.ts";
import { workerId } from "./records.ts";

/** A worker whose lease has been over for so long is forgotten: its name is not shown any more. */
const FORGET_AFTER_MS = 7 * 24 * 3600 * 1000;

const RENEW = `
  INSERT INTO @workers (id, name, lease_until) VALUES ($1, $2, @now + $3)
  ON CONFLICT (id) DO UPDATE SET lease_until = excluded.lease_until`;
/** For the thread that keeps leases: it never makes a row, so that nothing that is late brings back a worker that was retired. */
export const RENEW_EXISTING = "UPDATE @workers SET lease_until = @now + $2::int8 WHERE id = $1::int8";
const GIVE_UP_RUNS = "UPDATE @runs SET owner = NULL WHERE owner = $1";
const REMOVE = "DELETE FROM @workers WHERE id = $1";
const FORGET = `DELETE FROM @workers w WHERE lease_until < @now - ${FORGET_AFTER_MS} AND NOT EXISTS (SELECT 1 FROM @runs WHERE owner = w.id)`;

/** {@link World.heartbeat} */
export async function renew(transaction: Transaction, worker: string, leaseMs: number): Promise<void> {
  await transaction.run(RENEW, [workerId(worker), worker, leaseMs]);
}

/** {@link World.retire} */
export async function retire(transaction: Transaction, worker: string): Promise<void> {
  await transaction.run(GIVE_UP_RUNS, [workerId(worker)]);
  await transaction.run(REMOVE, [workerId(worker)]);
  await transaction.run(FORGET, []);
}
