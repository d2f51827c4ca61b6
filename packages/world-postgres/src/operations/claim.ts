/**
 * Giving runs to workers, in one statement.
 *
 * Which workers are dead follows from the owners that runs have (a walk over the index, from one owner to the next) and the leases that are not over: a run
 * whose owner has no row is not lost. Locked rows are skipped, so that claims never wait for each other, or for a commit. A poll that finds nothing writes
 * nothing.
 */

import type { Claimed, ClaimedRun, ClaimRequest, ReceivedMessage } from "@perdure/world";
import { plainArray } from "../database/arrays.ts";
import type { Database, Row, Transaction } from "../database/database.ts";
import { ownedMessages } from "./messages.ts";
import { RUN_COLUMNS, RUN_WIDTH, toRecord, workerId } from "./records.ts";

/** Terms on the right of SET see the row as it was: its former owner (none: nobody crashed), its length at the claim before. */
const CLAIM = `
  WITH RECURSIVE clock AS MATERIALIZED (SELECT @now AS now), owners AS (
    (SELECT owner FROM @runs WHERE owner IS NOT NULL ORDER BY owner LIMIT 1)
    UNION ALL
    SELECT (SELECT r.owner FROM @runs r WHERE r.owner > o.owner ORDER BY r.owner LIMIT 1) FROM owners o WHERE o.owner IS NOT NULL
  ), dead AS MATERIALIZED (
    SELECT o.owner FROM owners o
    WHERE o.owner <> $1 AND NOT EXISTS (SELECT 1 FROM @workers w WHERE w.id = o.owner AND w.lease_until > (SELECT now FROM clock))
  ), free AS MATERIALIZED (
    SELECT id, due_at FROM @runs WHERE owner IS NULL AND due_at <= (SELECT now FROM clock)
    ORDER BY due_at LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED
  ), left_over AS MATERIALIZED (
    SELECT r.id, r.due_at FROM dead d CROSS JOIN LATERAL (
      SELECT id, due_at FROM @runs WHERE owner = d.owner AND due_at <= (SELECT now FROM clock)
      ORDER BY due_at LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED
    ) r
  ), picked AS MATERIALIZED (
    SELECT * FROM (SELECT id, due_at, false AS took_over FROM free UNION ALL SELECT id, due_at, true FROM left_over) p ORDER BY due_at LIMIT $2
  ), taken AS (
    UPDATE @runs r SET owner = $1, fence = r.fence + 1, claim_length = p.length,
      crashes = CASE WHEN r.claim_length = p.length THEN r.crashes ELSE 0 END + p.took_over::int
    FROM (SELECT id, due_at, took_over, coalesce((SELECT max(h.seq) FROM @history h WHERE h.run_id = picked.id), 0) AS length FROM picked) p
    WHERE r.id = p.id
    RETURNING ${RUN_COLUMNS}, p.took_over, r.crashes, r.fence = 1 AND r.mail = 0 AND p.length = 0 AS is_new, p.due_at AS was_due
  )
  SELECT EXISTS (SELECT 1 FROM @runs WHERE owner = $1 AND mail > 0),
    least(
      (SELECT due_at FROM @runs WHERE owner IS NULL AND due_at > (SELECT now FROM clock) ORDER BY due_at LIMIT 1),
      (SELECT min(n.due_at) FROM dead d CROSS JOIN LATERAL (
        SELECT due_at FROM @runs WHERE owner = d.owner AND due_at > (SELECT now FROM clock) ORDER BY due_at LIMIT 1) n)
    ), (SELECT lease_until FROM @workers WHERE id = $1) - clock.now, taken.*
  FROM clock LEFT JOIN taken ON true
  ORDER BY taken.was_due`;

/** What belongs to the worker without its knowing. */
const FORGET = "UPDATE @runs SET owner = NULL WHERE owner = $1 AND NOT id = ANY($2::uuid[])";

/** {@link World.claim}, but for the lease. Not tried again when its outcome is unknown: the caller says then what it holds. */
export async function claim(
  database: Database,
  { worker, limit, holding }: ClaimRequest,
): Promise<Claimed & { readonly leaseLeft: number | null }> {
  const id = workerId(worker);
  if (holding !== undefined) await database.run(FORGET, [id, plainArray(holding)]);
  const { rows } = await database.statement(() => ({ template: CLAIM, values: [id, limit] }), "once");
  const [hasMail, nextDueAt, leaseLeft] = rows[0] as unknown as readonly [boolean, number | null, number | null];
  const runs = rows.filter((row) => row[3] !== null).map((row) => toClaimed(row.slice(3), worker));
  const messages = hasMail ? await messagesBefore(database, worker, runs) : [];
  return { runs, messages, nextDueAt, leaseLeft };
}

/** But for those of runs that are to be loaded, which brings theirs. */
async function messagesBefore(transaction: Transaction, worker: string, claimed: readonly ClaimedRun[]): Promise<ReceivedMessage[]> {
  const loaded = new Set(claimed.filter(({ page }) => page === undefined).map(({ run }) => run.id));
  return (await ownedMessages(transaction, worker)).filter(({ runId }) => !loaded.has(runId));
}

/** (A run that nobody had before has what was created with it, and messages: so much of it is known that most new ones need not be loaded.) */
function toClaimed(row: Row, worker: string): ClaimedRun {
  const [isTakeover, crashes, isNew] = row.slice(RUN_WIDTH) as unknown as readonly [boolean, number, boolean];
  const claimed = { run: { ...toRecord(row), owner: worker }, isTakeover, crashes };
  return isNew ? { ...claimed, page: { rows: [], hooks: [], messages: [] } } : claimed;
}
