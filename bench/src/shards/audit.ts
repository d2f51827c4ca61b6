import pg from "pg";

import { query } from "../../../scripts/postgres.mjs";

/** What is wrong on servers, which must be nothing. */
export interface Audit {
  /** Runs that are not over. */
  readonly open: readonly string[];
  /** What those that completed are called by: their ids and keys. */
  readonly completed: ReadonlySet<string>;
  /** How many rows the histories have, by run. */
  readonly lengths: ReadonlyMap<string, number>;
  /** Runs whose history lacks a row. */
  readonly holes: number;
  /** Keys that two runs have. */
  readonly doubleKeys: number;
  /** Runs on two servers. */
  readonly forked: number;
  /** What has not arrived. */
  readonly undelivered: number;
  readonly runs: number;
  readonly rows: number;
}

export async function audit(urls: readonly string[]): Promise<Audit> {
  const found = await Promise.all(
    urls.map(async (url) => ({
      runs: await query<{ id: string; key: string | null; status: number }>(url, "SELECT id, key, status FROM perdure.runs"),
      holes: await query(url, "SELECT run_id FROM perdure.history GROUP BY run_id HAVING max(seq) <> count(*)"),
      outbox: await query(url, "SELECT 1 FROM perdure.outbox"),
      lengths: await query<{ id: string; length: number }>(
        url,
        "SELECT run_id AS id, count(*)::int4 AS length FROM perdure.history GROUP BY 1",
      ),
    })),
  );
  const runs = found.flatMap((server) => server.runs);
  const keys = runs.flatMap(({ key }) => key ?? []);
  const sum = (of: (server: (typeof found)[number]) => number): number => found.reduce((total, server) => total + of(server), 0);
  return {
    completed: new Set(runs.flatMap(({ id, key, status }) => (status === 1 ? [id, ...(key === null ? [] : [key])] : []))),
    lengths: new Map(found.flatMap(({ lengths }) => lengths.map(({ id, length }) => [id, length] as const))),
    open: runs.flatMap(({ id, status }) => (status === 0 ? [id] : [])),
    holes: sum(({ holes }) => holes.length),
    doubleKeys: keys.length - new Set(keys).size,
    forked: runs.length - new Set(runs.map(({ id }) => id)).size,
    undelivered: sum(({ outbox }) => outbox.length),
    runs: runs.length,
    rows: sum(({ lengths }) => lengths.reduce((total, { length }) => total + length, 0)),
  };
}

/**
 * Takes the last rows of each long history of a server that is not over, as a standby that lacks them would. Returns how many runs were hit. The lock stands for the connections that
 * are lost then: no statement sees the history from before and writes to the one after.
 */
export async function setBack(url: string, rows: number): Promise<number> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    await client.query("BEGIN; LOCK TABLE perdure.runs, perdure.history IN ACCESS EXCLUSIVE MODE");
    const { rows: hit } = await client.query(
      `WITH long AS (
         SELECT h.run_id, max(h.seq) AS length FROM perdure.history h JOIN perdure.runs r ON r.id = h.run_id
         WHERE r.status = 0 GROUP BY h.run_id HAVING max(h.seq) > $1 + 10
       ), gone AS (
         DELETE FROM perdure.history h USING long l WHERE h.run_id = l.run_id AND h.seq > l.length - $1 RETURNING h.run_id
       ) SELECT DISTINCT run_id FROM gone`,
      [rows],
    );
    await client.query("COMMIT");
    return hit.length;
  } catch (error) {
    if ((error as { code?: unknown }).code === "40P01") return 0; // a commit was in the way: another time
    throw error;
  } finally {
    await client.end();
  }
}
