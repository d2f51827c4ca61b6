/** Where the transactions of steps take place: the World's own database, or another one with the table. */

import { WorldError, type World } from "@perdure/world";
import type pg from "pg";
import { createSource, type PgClient, type PgQueryable, type PgSource } from "../database/source.ts";
import { TransactionError } from "./errors.ts";
import { transactionTable } from "./table.ts";

/** A database, as {@link transaction} needs it. Kept under a global symbol on Worlds, so what it holds stays. */
export interface TransactionDatabase {
  /** A connection for one transaction; a call waits while too many are in use. */
  connect(): Promise<PgClient>;
  /** The table of transactions, as SQL. */
  readonly table: string;
  /** The table of runs, as SQL; null in a database that has none. */
  readonly runs: string | null;
  /** What follows BEGIN, as SQL: statements that undo for the transaction what its connection was set to, or nothing. */
  readonly settings: string;
  /** For how long a transaction is tried again. */
  readonly patienceMs: number;
}

/** Which database it is; see {@link TransactionOptions}. */
export interface DatabaseChoice {
  readonly pool?: PgQueryable | undefined;
  readonly url?: string | pg.PoolConfig | undefined;
  readonly world?: World | undefined;
}

const key = Symbol.for("perdure.postgres");
const CONNECTIONS = 10;
const PATIENCE_MS = 30_000;

const byPool = new WeakMap<object, TransactionDatabase>();
const byUrl = new Map<string, TransactionDatabase>();

/** What a World carries for {@link transaction}; copied with its other members by whoever wraps it. */
export function transactionsOf(database: TransactionDatabase): object {
  return { [key]: database };
}

/** The World's own database; null for a World that is not on PostgreSQL. */
function worldDatabase(world: World): TransactionDatabase | null {
  return (world as { [key]?: TransactionDatabase })[key] ?? null;
}

/** @param world the one that the step's run is in. Its runs are there only in its own database. @throws TRANSACTION_NO_DATABASE, WORLD_INVALID_ARGUMENT */
export function chooseDatabase(choice: DatabaseChoice, world: World): TransactionDatabase {
  const { pool, url, world: named } = choice;
  if ([pool, url, named].filter((one) => one !== undefined).length > 1) {
    throw new WorldError("WORLD_INVALID_ARGUMENT", "transaction() was told of two databases.", {
      hint: "Pass one of `pool`, `url`, `world`.",
    });
  }
  if (pool !== undefined) return poolDatabase(pool);
  if (url !== undefined) return urlDatabase(url);
  const own = worldDatabase(world);
  if (named === undefined || named === world) return own ?? refuse(world);
  const other = worldDatabase(named) ?? refuse(named);
  return other === own ? own : { ...other, runs: null };
}

function refuse({ name }: World): never {
  throw new TransactionError("TRANSACTION_NO_DATABASE", `The runs are in a World of the kind "${name}", which has no PostgreSQL.`, {
    hint: "Pass `{ pool }` or `{ url }`, and create the table there with createTransactionTable(); or keep the runs in PostgreSQL.",
  });
}

function poolDatabase(pool: PgQueryable): TransactionDatabase {
  let database = byPool.get(pool);
  if (database === undefined) byPool.set(pool, (database = otherDatabase(createSource(pool, { connections: CONNECTIONS }))));
  return database;
}

/** One pool per URL and process. Idle connections do not hold the process. */
function urlDatabase(url: string | pg.PoolConfig): TransactionDatabase {
  const name = typeof url === "string" ? url : JSON.stringify(url);
  let database = byUrl.get(name);
  if (database === undefined) byUrl.set(name, (database = otherDatabase(createSource(url, { connections: CONNECTIONS }))));
  return database;
}

function otherDatabase(source: PgSource): TransactionDatabase {
  return { connect: () => source.connect(), table: transactionTable, runs: null, settings: "", patienceMs: PATIENCE_MS };
}

/**
 * At most so many connections at a time, first come first served: a function that takes its time must not keep the World from renewing leases and committing,
 * which use the same pool.
 */
export function limitConnections(connect: () => Promise<PgClient>, limit: number): () => Promise<PgClient> {
  let free = limit;
  const waiting: (() => void)[] = [];

  function leave(): void {
    const next = waiting.shift();
    if (next === undefined) free++;
    else next();
  }

  return async () => {
    if (free > 0) free--;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      const client = await connect();
      return {
        ...client,
        release(isBroken) {
          client.release(isBroken);
          leave();
        },
      };
    } catch (error) {
      leave();
      throw error;
    }
  };
}
