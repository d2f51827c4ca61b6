import pg from "pg";

import type { Counts, Meter } from "./meter.ts";

/** PostgreSQL's sessions hand in their counts when they have been idle for ten seconds, if not before. */
const settledMs = 10_500;

const rowsWritten = "SELECT coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0)::float8 AS count FROM pg_stat_user_tables";
const transactions = "SELECT xact_commit::float8 AS count FROM pg_stat_database WHERE datname = current_database()";
const logLength = "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::float8 AS count";
const size = "SELECT pg_database_size(current_database())::float8 AS count";

/**
 * Meters what this process does in a database, and the whole server's log. Statements are those of the main thread; the renewals of the thread that keeps leases
 * (one in a third of the lease) are not among them. Rows and commits need PostgreSQL 15 or later.
 */
export async function createPostgresMeter(url: string): Promise<Meter & { close(): Promise<void> }> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query<{ server_version_num: string }>("SHOW server_version_num");
  if (Number(rows[0]?.server_version_num) < 150_000) {
    await client.end();
    throw new Error("This benchmark needs PostgreSQL 15 or later, whose sessions can be told to hand in their counts.");
  }
  // Of this session: its own transactions are counted too, and taken off again.
  let own = 0;
  const statements = countStatements(client);

  async function ask(text: string): Promise<number> {
    own++;
    const { rows } = await client.query<{ count: number }>(text);
    return rows[0]?.count ?? Number.NaN;
  }

  return {
    async read(): Promise<Counts> {
      const count = statements();
      return { at: performance.now(), statements: count, walBytes: await ask(logLength) };
    },
    async readSettled() {
      const at = performance.now();
      await new Promise((resolve) => setTimeout(resolve, settledMs));
      // This session's own counts too, of all that it asked before.
      await ask("SELECT pg_stat_force_next_flush()");
      const before = own;
      return { at, rows: await ask(rowsWritten), commits: (await ask(transactions)) - before };
    },
    async storedBytes() {
      own++;
      await client.query("VACUUM");
      return ask(size);
    },
    close: () => client.end(),
  };
}

/** Counts what all other connections of this process are given to do, from now on. */
function countStatements(except: pg.Client): () => number {
  let count = 0;
  const prototype = pg.Client.prototype as unknown as { query: (this: pg.Client, ...args: unknown[]) => unknown };
  const { query } = prototype;
  prototype.query = function counted(this: pg.Client, ...args) {
    if (this !== except) count++;
    return query.apply(this, args);
  };
  return () => count;
}
