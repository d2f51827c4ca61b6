import { WorldError } from "@perdure/world";
import type pg from "pg";
import { closedError, createDatabase, type Database } from "./database/database.ts";
import { explain } from "./database/failure.ts";
import { IDLE_MS } from "./database/idle-limit.ts";
import type { Locality } from "./database/locality.ts";
import { createSource, type PgQueryable, type PgSource } from "./database/source.ts";
import { createSql, type Sql } from "./database/sql.ts";
import { migrate } from "./migrations/migrate.ts";
import { createLeaseThread, type LeaseThread } from "./lease-thread/lease-thread.ts";
import { channelOf, createNotifier, type Notifier } from "./notify.ts";
import { RENEW_EXISTING } from "./operations/workers.ts";
import type { InternalOptions, PostgresWorldOptions } from "./options.ts";
import { createRetention, type RetentionLoop } from "./retention.ts";
import { toldOfWaiting } from "./database/told-of-waiting.ts";
import { limitConnections, type TransactionDatabase } from "./transaction/databases.ts";

/** A schema, its connections and its watchers. */
export interface Store {
  readonly notifier: Notifier;
  readonly retention: RetentionLoop;
  readonly sql: Sql;
  /** For the transactions of steps. */
  readonly transactions: TransactionDatabase;
  readonly leases: LeaseThread;
  /** @throws WORLD_CLOSED, WORLD_UNAVAILABLE before `setup` */
  database(): Database;
  setup(): Promise<void>;
  close(): Promise<void>;
}

/** @throws WORLD_INVALID_ARGUMENT */
function assertOptions({ schema, stuckMs = 0 }: PostgresWorldOptions): void {
  if (schema !== undefined && (schema === "" || Buffer.byteLength(schema) > 63)) {
    throw new WorldError("WORLD_INVALID_ARGUMENT", `"${schema}" cannot be the name of a schema.`, { hint: "Pass 1 to 63 bytes." });
  }
  if (!(stuckMs >= 0)) {
    throw new WorldError("WORLD_INVALID_ARGUMENT", `"stuckMs" is ${String(stuckMs)}.`, { hint: "Pass milliseconds, 0 or more." });
  }
}

/** What a store is on. */
export interface StorePlace {
  /** A URL, the options of a pool, or connections. */
  readonly from: string | pg.PoolConfig | PgQueryable;
  /** What of the world is there; null: everything. */
  readonly locality: Locality | null;
}

export function createStore(
  options: PostgresWorldOptions,
  { clock, idleMs = IDLE_MS }: InternalOptions,
  { from, locality }: StorePlace,
): Store {
  const { schema = "perdure", connections = 10, patienceMs = 30_000, notify = "auto", prepare = "auto", stuckMs = 120_000 } = options;
  assertOptions(options);
  const source = createSource(from, { connections });
  const sql = createSql(schema, clock);
  const database = createDatabase({ source, sql, named: prepare !== false, patienceMs, locality, idleMs });
  const leases = createLeaseThread({
    connection: source.connection,
    renew: sql.of(RENEW_EXISTING).text,
    // A clock that a test sets does not go on while a thread waits.
    stuckMs: clock === undefined ? stuckMs : 0,
  });
  let state: "new" | "open" | "closed" = "new";
  let opening: Promise<void> | null = null;
  let notifies = notify !== false;
  const notifier = createNotifier({ source, database, channel: channelOf(schema), isWanted: () => notifies && state === "open" });

  const retention = createRetention(options.retentionMs ?? {}, database);

  async function open(): Promise<void> {
    try {
      await toldOfWaiting(source, (attempt) =>
        database.retry(() => attempt(() => migrate(source, sql, schema, options.migrate ?? true)), "repeatable"),
      );
    } catch (error) {
      throw state === "closed" ? closedError() : explain(error);
    }
    const pooled = await isPooled(database, source);
    if (pooled && notify === "auto") notifies = false;
    if (source.isOwn && !pooled) source.beginSessionsWith(SESSION);
    else if (prepare === "auto") database.withoutNames();
    if (locality === null) await assertAlone(database, schema);
    if (state === "closed") return;
    state = "open";
    notifier.listen();
  }

  function opened(): Database {
    if (state === "closed") throw closedError();
    if (state === "open") return database;
    throw new WorldError("WORLD_UNAVAILABLE", "The World on PostgreSQL is not open.", { hint: "Call setup() first." });
  }

  return {
    notifier,
    leases,
    retention,
    sql,
    transactions: {
      connect: limitConnections(async () => (opened(), source.connect()), Math.max(1, Math.floor(source.size / 2))),
      table: `${sql.schema}.transactions`,
      runs: `${sql.schema}.runs`,
      // The queries of a step are planned as anywhere else.
      settings: source.isOwn ? "SET LOCAL enable_seqscan TO DEFAULT; SET LOCAL plan_cache_mode TO DEFAULT;" : "",
      patienceMs,
    },
    database: opened,
    async setup() {
      if (state === "closed") throw closedError();
      if (state === "open") return;
      opening ??= open().finally(() => (opening = null));
      await opening;
    },
    async close() {
      if (state === "closed") return;
      state = "closed";
      // Idle connections do not hold the process, which would end before they are closed.
      const hold = setInterval(() => {}, 60_000);
      try {
        // What tries again to open it would do so for as long as it is patient.
        const closing = opening === null ? null : source.close();
        await opening?.catch(() => {});
        await leases.close();
        await Promise.all([notifier.close(), retention.close()]);
        await (closing ?? source.close());
      } finally {
        clearInterval(hold);
      }
    },
  };
}

/**
 * A prepared statement keeps the plan that it got when the tables were small. Then to read a table as a whole looks cheap, and stays in the plan for as long as
 * nothing tells the server that the table has grown. Left to itself the server also plans each call anew where arrays are parameters, for it takes an array that it does not
 * know for longer than most are; that costs more than the call.
 */
const SESSION = "SET enable_seqscan = off; SET plan_cache_mode = force_generic_plan";

/** A pooler gives a process id of its own at the start of a connection; the server's is another one. */
async function isPooled(database: Database, source: PgSource): Promise<boolean> {
  return database.retry(async () => {
    const client = await source.connect();
    try {
      const { rows } = await client.query({ text: "SELECT pg_backend_pid() AS pid" });
      const { pid } = rows[0] as unknown as { pid: number };
      return client.processId !== null && client.processId !== pid;
    } finally {
      client.release(false);
    }
  }, "repeatable");
}

/** A process that takes one of several servers for the only one would give keys and tokens twice. */
async function assertAlone(database: Database, schema: string): Promise<void> {
  const [row] = await database.all("SELECT map FROM @topology WHERE id = 1", []);
  if (row === undefined) return;
  const { shards } = JSON.parse(row[0] as string) as { shards: Record<string, unknown> };
  throw new WorldError(
    "WORLD_INVALID_ARGUMENT",
    `The schema "${schema}" belongs to a World of several servers: ${Object.keys(shards).join(", ")}.`,
    {
      hint: "Pass all of them as `shards`.",
    },
  );
}
