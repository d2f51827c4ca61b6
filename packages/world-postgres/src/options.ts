import type pg from "pg";
import type { PgQueryable } from "./database/source.ts";
import type { Retention } from "./retention.ts";

export interface PostgresWorldOptions {
  /** Where the database is: a URL, or the options of a `pg.Pool`. */
  readonly url?: string | pg.PoolConfig;
  /**
   * Connections that are there already, instead of a `url`: a `pg.Pool`, or anything with its `query`. They stay the caller's: `close()` leaves them open. Without the
   * `connect` of a pool it is taken for one connection, whose transactions take turns.
   */
  readonly pool?: PgQueryable;
  /**
   * Several servers instead of one, by names that never change: each a URL, the options of a `pg.Pool`, or connections that are there already. See
   * docs/scaling.md. All other options hold for each of them.
   */
  readonly shards?: Readonly<Record<string, string | pg.PoolConfig | PgQueryable>>;
  /** The schema that holds the tables; several apps may share a database. Default `perdure`. */
  readonly schema?: string;
  /** Connections of the pool that is made for a URL; default 10. */
  readonly connections?: number;
  /**
   * How many statements of commits may be under way at the same time, 1 to 4; default 2. Runs are dealt out among them by their ids: while one waits for the disk, the next is made and sent.
   */
  readonly commitLanes?: number;
  /**
   * Whether processes tell each other of news by LISTEN and NOTIFY. Default `auto`: unless a pooler is in between, which is found out at `setup()`. Without it they find out by polling.
   */
  readonly notify?: boolean | "auto";
  /** Whether statements are prepared by name. Default `auto`: on connections of its own, unless a pooler is in between. */
  readonly prepare?: boolean | "auto";
  /** For how long a call tries again when the database cannot be reached or conflicts, before it fails with WORLD_UNAVAILABLE; default 30,000 ms. */
  readonly patienceMs?: number;
  /** Whether `setup()` migrates. False: it only checks that the schema is there and not newer. Default true. */
  readonly migrate?: boolean;
  /**
   * How long runs are kept after their end, in milliseconds; a status that is left out: for ever, which is the default. With all that belongs to them; their keys are free again. Done by processes with a worker,
   * a few hundred runs at a time.
   */
  readonly retentionMs?: Retention;
  /**
   * The leases of this process's workers are renewed by a thread of their own, so that a step which blocks the event loop keeps its runs: for this long after the worker was last alive, then
   * it is taken to be stuck, and others take its runs over when its lease is over. 0: there is no thread, and the event loop must never be blocked for as long as a lease. Default 120,000 ms.
   */
  readonly stuckMs?: number;
}

/** What tests may change beside the options. */
export interface InternalOptions {
  /** A scalar SQL expression: ms since the epoch. */
  readonly clock?: string;
  /** How long one of several servers is waited for where others answer without it. */
  readonly quickMs?: number;
  /** How long a transaction waits for its next statement; default {@link IDLE_MS}. */
  readonly idleMs?: number;
}
