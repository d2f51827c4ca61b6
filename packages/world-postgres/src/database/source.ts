/** Where connections come from: a URL, the user's own pool, or one object that can run queries. */

import pg from "pg";
import type { QueryResult } from "pg";

/** Anything with the `query` of node-postgres: a `Pool`, a `Client`, or something alike. */
export interface PgQueryable {
  query(config: pg.QueryConfig & { rowMode?: "array" }): Promise<QueryResult<unknown[]>>;
}

/** A connection of a {@link PgSource}. */
export interface PgClient {
  query: (config: pg.QueryConfig & { rowMode?: "array" }) => Promise<QueryResult<unknown[]>>;
  /** Whether since the last call the server said that a commit did not wait for its synchronous standby to the end. */
  takeUnconfirmed(): boolean;
  /** @param isBroken the connection is not to be used again */
  release(isBroken: boolean): void;
  /** The process id that the server gave at the start of the connection; null when it is not known. */
  readonly processId: number | null;
  /** The connection itself. */
  readonly raw: object;
}

export interface PgSource {
  connect(): Promise<PgClient>;
  /** The options of a connection of one's own, outside of the pool; null when there cannot be one. */
  readonly connection: pg.ClientConfig | null;
  /** Whether the connections are used for nothing else. */
  readonly isOwn: boolean;
  /** What to run first on each connection from now on; only where {@link isOwn}. */
  beginSessionsWith: (text: string) => void;
  readonly closed: boolean;
  /** How many connections there may be at a time. */
  readonly size: number;
  /** Ends what this source has opened itself. */
  close(): Promise<void>;
}

/** Takes the place of a connection while it waits for another query to end. */
type Waiting = () => void;

export interface SourceOptions {
  /** At most so many connections of a pool that is made here. */
  readonly connections: number;
}

/** @param from a URL, a pool, or one connection */
export function createSource(from: string | pg.PoolConfig | PgQueryable, { connections }: SourceOptions): PgSource {
  if (typeof from === "string") return ownPool({ connectionString: from }, connections);
  if (!("query" in from)) return ownPool(from, connections);
  return isPool(from) ? poolSource(from, { end: async () => {}, isOwn: false }) : singleSource(from);
}

function ownPool(config: pg.PoolConfig, connections: number): PgSource {
  const settings: pg.PoolConfig = {
    max: connections,
    keepAlive: true,
    connectionTimeoutMillis: 10_000,
    application_name: "perdure",
    ...config,
    // Its own connection must not hold the process: workers and waiters do that where it is wanted.
    allowExitOnIdle: true,
  };
  const pool = new pg.Pool(settings);
  // An idle connection that is lost is replaced with the next call.
  pool.on("error", () => {});
  return poolSource(pool, { end: async () => pool.end(), isOwn: true });
}

function isPool(from: PgQueryable): from is pg.Pool {
  return "connect" in from && typeof from.connect === "function" && "totalCount" in from;
}

const unconfirmed = new WeakSet<object>();
const watched = new WeakSet<object>();

/**
 * A commit that waits for a synchronous standby and is cancelled answers with success and this warning: the transaction is committed here and maybe nowhere
 * else. The name of the routine does not depend on the server's language.
 */
function watchNotices(client: pg.ClientBase): void {
  if (watched.has(client)) return;
  watched.add(client);
  client.on("notice", ({ routine }) => {
    if (routine === "SyncRepWaitForLSN") unconfirmed.add(client);
  });
}

const guarded = new WeakSet<object>();

/** An error of a connection that is in use is also thrown by its query, the first one too; without a listener it would end the process. One is enough, however many Worlds share a pool. */
function guard(client: pg.ClientBase): void {
  if (guarded.has(client)) return;
  guarded.add(client);
  client.on("error", () => {});
}

/**
 * A pool takes its own listener away as it gives a connection, and whoever asked for it gets it a moment later. A server that ends a connection as soon as it has
 * been made says both in one breath: what it says is read before that moment.
 */
function guardNewOnes(pool: pg.Pool): void {
  if (guarded.has(pool)) return;
  guarded.add(pool);
  pool.on("connect", guard);
}

function poolSource(pool: pg.Pool, { end, isOwn }: { end: () => Promise<void>; isOwn: boolean }): PgSource {
  let closed = false;
  guardNewOnes(pool);
  let session: string | null = null;
  const begun = new WeakSet<object>();

  async function begin(client: pg.PoolClient, text: string): Promise<void> {
    try {
      await client.query(text);
      begun.add(client);
    } catch (error) {
      client.release(true);
      throw error;
    }
  }

  return {
    isOwn,
    beginSessionsWith(text) {
      session = text;
    },
    async connect() {
      const client = await pool.connect();
      guard(client); // one that was made before the pool came here
      if (session !== null && !begun.has(client)) await begin(client, session);
      watchNotices(client);
      return {
        query: (config) => client.query(config) as unknown as Promise<QueryResult<unknown[]>>,
        takeUnconfirmed: () => unconfirmed.delete(client),
        release: (isBroken) => client.release(isBroken),
        processId: (client as { processID?: number }).processID ?? null,
        raw: client,
      };
    },
    connection: optionsOf(pool),
    size: (pool as { options?: pg.PoolConfig }).options?.max ?? 10,
    get closed() {
      return closed;
    },
    async close() {
      closed = true;
      await end();
    },
  };
}

/** The options of a pool. It hides the password from those who list them. */
function optionsOf(pool: pg.Pool): pg.ClientConfig | null {
  const { options } = pool as { options?: pg.PoolConfig };
  return options === undefined ? null : { ...options, ...(options.password !== undefined && { password: options.password }) };
}

/** One connection, used by one transaction after another. */
function singleSource(from: PgQueryable): PgSource {
  const queue: Waiting[] = [];
  let busy = false;
  let closed = false;
  if ("on" in from) watchNotices(from as unknown as pg.ClientBase);
  return {
    async connect() {
      if (busy) await new Promise<void>((resolve) => queue.push(resolve));
      busy = true;
      return {
        query: (config) => from.query(config),
        takeUnconfirmed: () => unconfirmed.delete(from),
        release() {
          const next = queue.shift();
          if (next === undefined) busy = false;
          else next();
        },
        processId: (from as { processID?: number }).processID ?? null,
        raw: from,
      };
    },
    connection: null,
    size: 1,
    isOwn: false,
    beginSessionsWith() {},
    get closed() {
      return closed;
    },
    async close() {
      closed = true;
    },
  };
}
