import type { RunStatus } from "@perdure/world";
import type { Transaction } from "../database/database.ts";
import { statusNumber } from "./records.ts";

/**
 * Removes runs that ended long ago, the oldest first, with all that belongs to them. Whoever is at one of them (a stream that is being written) keeps it from being picked; nobody
 * waits for the few that are locked.
 */
export const PRUNE = `
  WITH picked AS MATERIALIZED (
    SELECT id FROM @runs WHERE status = $1 AND ended_at IS NOT NULL AND ended_at < @now - $2
    ORDER BY ended_at LIMIT $3 FOR UPDATE SKIP LOCKED
  ), ids AS MATERIALIZED (SELECT array_agg(id) AS ids FROM picked),
  old_streams AS MATERIALIZED (SELECT array_agg(s.id) AS ids FROM @streams s WHERE s.run_id = ANY((SELECT ids FROM ids)::uuid[])),
  a AS (DELETE FROM @chunks WHERE stream = ANY((SELECT ids FROM old_streams)::int8[])),
  b AS (DELETE FROM @stream_writers WHERE stream = ANY((SELECT ids FROM old_streams)::int8[])),
  c AS (DELETE FROM @streams WHERE run_id = ANY((SELECT ids FROM ids)::uuid[])),
  d AS (DELETE FROM @history WHERE run_id = ANY((SELECT ids FROM ids)::uuid[])),
  e AS (DELETE FROM @messages WHERE run_id = ANY((SELECT ids FROM ids)::uuid[])),
  f AS (DELETE FROM @attributes WHERE run_id = ANY((SELECT ids FROM ids)::uuid[])),
  g AS (DELETE FROM @state WHERE run_id = ANY((SELECT ids FROM ids)::uuid[])),
  h AS (DELETE FROM @transactions WHERE run_id = ANY((SELECT ids FROM ids)::uuid[]))
  DELETE FROM @runs WHERE id = ANY((SELECT ids FROM ids)::uuid[])`;

/** Removes at most `limit` runs that ended with this status more than `olderThanMs` ago; returns how many. */
export async function prune(transaction: Transaction, status: RunStatus, olderThanMs: number, limit: number): Promise<number> {
  return transaction.run(PRUNE, [statusNumber(status), olderThanMs, limit]);
}
