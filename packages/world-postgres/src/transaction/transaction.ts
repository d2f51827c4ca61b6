/**
 * Queries of a step that happen once.
 *
 * A transaction inserts its row first, then the step's function makes its queries, then the row gets the result, then all of it is committed. Another
 * execution of the same call (the next attempt, another worker, a zombie) meets the row: it waits while the first one is at work, and then reads its result or, if that was
 * rolled back, inserts the row itself. So does the same execution after its connection was lost at the commit, which answers whether that took place.
 *
 * In the World's own database the run's row is read at the end, with a lock that orders the commit against a takeover: an attempt that lost its run changes nothing. Not
 * earlier, because commits of the run wait for that lock, and the function may in turn wait for one of them.
 */

import { AsyncLocalStorage } from "node:async_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { isName, WorldError } from "@perdure/world";
import type pg from "pg";
import { explain, failureKind, unavailable, UnconfirmedCommit } from "../database/failure.ts";
import { limitIdle } from "../database/idle-limit.ts";
import type { PgClient } from "../database/source.ts";
import { chooseDatabase, type DatabaseChoice, type TransactionDatabase } from "./databases.ts";
import { TransactionError } from "./errors.ts";
import { endedByHand, guardClient, type GuardedClient } from "./guarded-client.ts";
import { stepContext, type RunningStep } from "./running-step.ts";

export interface TransactionOptions extends DatabaseChoice {
  /**
   * Connections to another database than the World's, which has the table of {@link createTransactionTable}. They stay the caller's.
   */
  readonly pool?: DatabaseChoice["pool"];
  /** The same by a URL or the options of a `pg.Pool`; one pool of ten connections per process. */
  readonly url?: DatabaseChoice["url"];
  /** The database of this World on PostgreSQL, which has been set up, instead of that of the step's own World. */
  readonly world?: DatabaseChoice["world"];
  /** Default: that of the database, which is `read committed` unless it was changed. */
  readonly isolation?: "read committed" | "repeatable read" | "serializable";
  /**
   * Names the transaction within its step, 1 to 256 characters; the same name is the same transaction. Default: its place among the calls without a key that the attempt makes. Needed where
   * an attempt may make other calls than the one before.
   */
  readonly key?: string;
}

/** How many calls without a key an attempt has made. */
const counts = new WeakMap<object, number>();

/** The attempt in whose transaction a function is executed. */
const inside = new AsyncLocalStorage<object>();

/**
 * Makes queries once, however often the step is executed: they and the result are committed together, and another execution of the same call returns that result
 * without making them. Call it in a step.
 *
 * The function gets a connected client of `pg` inside of a transaction, and must do nothing but queries on it, at most a minute apart: it is called again after a serialization failure, a
 * deadlock or a lost connection, once everything before was rolled back. Transactions that libraries open on the client become savepoints. What it returns is stored as the
 * result of a step would be, and returned as it was stored. What it throws rolls all back and is thrown.
 *
 * @throws NOT_IN_STEP, TRANSACTION_NO_DATABASE, TRANSACTION_TABLE_MISSING, TRANSACTION_NESTED, TRANSACTION_CONTROL, TRANSACTION_FENCED (the attempt lost its run; nothing was
 * written), WORLD_UNAVAILABLE (the database could not be reached for 30 seconds; whether it was committed is found out by the next attempt), SERIALIZATION_FAILED, VALUE_TOO_LARGE
 * @example
 * async function book(order: Order) {
 *   "use step";
 *   return transaction(async (client) => {
 *     const { rows } = await client.query("INSERT INTO bookings (sku, pieces) VALUES ($1, $2) RETURNING id", [order.sku, order.pieces]);
 *     return rows[0].id as number;
 *   });
 * }
 */
export async function transaction<T>(work: (client: pg.PoolClient) => Promise<T>, options: TransactionOptions = {}): Promise<T> {
  const context = stepContext();
  if (context === null) {
    throw new TransactionError("NOT_IN_STEP", "transaction() was called outside of a running step.", {
      hint: 'Call it from a function marked "use step" while that runs inside a run; elsewhere use your pool.',
    });
  }
  if (inside.getStore() === context) {
    throw new TransactionError("TRANSACTION_NESTED", "transaction() was called in the function of another one.", {
      hint: "Use the client that you have: what it writes is committed together.",
    });
  }
  const { running } = context;
  const database = chooseDatabase(options, running.world);
  const call: Call = {
    database,
    running,
    values: [running.runId, running.operation, nameOf(context, options.key)],
    begin: `${beginOf(options.isolation)};${database.settings}${LIMIT_IDLE}`,
    work: (client) => inside.run(context, () => work(client)),
  };
  return untilDecided(call) as Promise<T>;
}

interface Call {
  readonly database: TransactionDatabase;
  readonly running: RunningStep;
  /** The key of its row. */
  readonly values: readonly [runId: string, operation: string, name: string];
  readonly begin: string;
  work(client: pg.PoolClient): Promise<unknown>;
}

function nameOf(context: object, key: string | undefined): string {
  if (key === undefined) {
    const count = (counts.get(context) ?? 0) + 1;
    counts.set(context, count);
    return `#${count}`;
  }
  if (isName(key) && key.length <= 256) return `=${key}`;
  throw new WorldError("WORLD_INVALID_ARGUMENT", "The `key` of a transaction() cannot be stored.", {
    hint: "Pass 1 to 256 characters, without NUL.",
  });
}

const ISOLATIONS: readonly unknown[] = ["read committed", "repeatable read", "serializable"];

/** How far apart the function's queries may be: the next execution waits for a transaction that is open. */
const LIMIT_IDLE = limitIdle(60_000);

function beginOf(isolation: TransactionOptions["isolation"]): string {
  if (isolation === undefined) return "BEGIN";
  if (ISOLATIONS.includes(isolation)) return `BEGIN ISOLATION LEVEL ${isolation.toUpperCase()}`;
  throw new WorldError("WORLD_INVALID_ARGUMENT", `transaction() has no isolation "${String(isolation)}".`, {
    hint: 'Pass "read committed", "repeatable read" or "serializable".',
  });
}

/** Nothing of this try is in the database, or it is not known; the same may succeed. */
class Again extends Error {
  readonly failure: unknown;
  /** Whether the function's own queries failed, whose error is for its caller. */
  readonly isOfWork: boolean;

  constructor(failure: unknown, isOfWork: boolean) {
    super("again");
    this.failure = failure;
    this.isOfWork = isOfWork;
  }
}

async function untilDecided(call: Call): Promise<unknown> {
  const { patienceMs } = call.database;
  const deadline = performance.now() + patienceMs;
  for (let pauseMs = 10; ; pauseMs = Math.min(pauseMs * 2, 1000)) {
    call.running.signal.throwIfAborted();
    try {
      return await tryOnce(call);
    } catch (error) {
      if (!(error instanceof Again)) throw error;
      if (performance.now() + pauseMs > deadline) throw error.isOfWork ? error.failure : unavailable(error.failure);
    }
    await sleep(pauseMs * (0.5 + Math.random()));
  }
}

async function tryOnce(call: Call): Promise<unknown> {
  const client = await call.database.connect().catch((error: unknown) => {
    throw failed(error);
  });
  let isBroken = true;
  try {
    const value = await transact(call, client);
    isBroken = false;
    return value;
  } catch (error) {
    // What was not rolled back by the server is by the end of the connection.
    isBroken = !(await rollBack(client));
    throw error;
  } finally {
    client.release(isBroken);
  }
}

/** False: the connection is of no use any more. */
async function rollBack(client: PgClient): Promise<boolean> {
  try {
    await client.query({ text: "ROLLBACK" });
    return true;
  } catch {
    return false;
  }
}

async function transact(call: Call, client: PgClient): Promise<unknown> {
  const { database, running, values } = call;
  await client.query({ text: call.begin }).catch((error: unknown) => {
    throw failed(error);
  });
  const runs = database.runs === null ? "true" : `EXISTS (SELECT 1 FROM ${database.runs} WHERE id = $1 AND fence = $4 AND status = 0)`;
  const [inserted] = await ask(
    client,
    `INSERT INTO ${database.table} (run_id, operation, name) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING ${runs}`,
    database.runs === null ? values : [...values, running.fence],
  );
  if (inserted === undefined) return recorded(call, client);
  if (inserted[0] !== true) throw fenced();
  const guard = guardClient(client.raw);
  const text = await doWork(call, guard);
  await record(call, client, guard, text);
  running.signal.throwIfAborted();
  const { command } = await client.query({ text: "COMMIT" }).catch((error: unknown) => {
    throw failed(error);
  });
  if (command !== "COMMIT") throw new Again(new Error("PostgreSQL rolled a transaction back that it was told to commit."), false);
  if (client.takeUnconfirmed()) throw new Again(new UnconfirmedCommit(), false);
  return running.decode(text);
}

/** The result that an earlier execution recorded, or one that has just ended. */
async function recorded({ database, running, values }: Call, client: PgClient): Promise<unknown> {
  const [row] = await ask(client, `SELECT result FROM ${database.table} WHERE run_id = $1 AND operation = $2 AND name = $3`, values);
  if (row === undefined) throw new Again(new Error("The row of a transaction was deleted just now."), false);
  await ask(client, "ROLLBACK");
  const result = row[0] as Uint8Array | null;
  if (result === null) throw endedByHand();
  return running.decode(Buffer.from(result).toString("utf8"));
}

/** Returns what the function returned, as text. */
async function doWork({ running, work }: Call, guard: GuardedClient): Promise<string> {
  try {
    return await running.encode(await work(guard.client));
  } catch (error) {
    if (guard.isLost()) throw new Again(error, true);
    throw isConflict(guard.failure()) ? new Again(error, true) : error;
  } finally {
    guard.end();
  }
}

/**
 * Puts the result into the row, if the run is still this attempt's. When the function has committed by hand, the row is that of another transaction, which `xmin` tells, and this
 * update would be a commit of its own.
 */
async function record({ database, running, values }: Call, client: PgClient, guard: GuardedClient, text: string): Promise<void> {
  const row = "run_id = $1 AND operation = $2 AND name = $3 AND xmin = pg_current_xact_id()::xid";
  const bytes = Buffer.from(text, "utf8");
  const update = `UPDATE ${database.table} SET result = $4 WHERE ${row}`;
  const [template, all] =
    database.runs === null
      ? [`${update} RETURNING 1`, [...values, bytes]]
      : [
          `WITH run AS MATERIALIZED (SELECT 1 FROM ${database.runs} WHERE id = $1 AND fence = $5 AND status = 0 FOR SHARE)
           ${update} AND EXISTS (SELECT 1 FROM run) RETURNING 1`,
          [...values, bytes, running.fence],
        ];
  try {
    const written = await ask(client, template, all);
    if (written.length > 0) return;
    const own = await ask(client, `SELECT 1 FROM ${database.table} WHERE ${row}`, values);
    throw own.length > 0 ? fenced() : endedByHand();
  } catch (error) {
    // The function went on after a query that failed, and with it the transaction.
    if ((error as { code?: unknown }).code !== "25P02") throw error;
    const failure = guard.failure() ?? error;
    throw isConflict(failure) ? new Again(failure, true) : failure;
  }
}

/** A statement of our own. */
async function ask(client: PgClient, text: string, values: readonly unknown[] = []): Promise<readonly (readonly unknown[])[]> {
  try {
    return (await client.query({ text, values: values as unknown[], rowMode: "array" })).rows;
  } catch (error) {
    throw failed(error);
  }
}

function failed(error: unknown): unknown {
  if (WorldError.is(error)) return error;
  const { code } = error as { code?: unknown };
  if (code === "42P01" || code === "3F000") {
    return new TransactionError("TRANSACTION_TABLE_MISSING", "The database has no table for the results of transactions.", {
      hint: "Create it with createTransactionTable(pool), or by `transactionTableSql` in your migrations.",
      cause: error,
    });
  }
  return failureKind(error) === "refused" ? explain(error) : new Again(error, false);
}

function isConflict(error: unknown): boolean {
  const code = (error as { code?: unknown } | undefined)?.code;
  return code === "40001" || code === "40P01";
}

function fenced(): TransactionError {
  return new TransactionError(
    "TRANSACTION_FENCED",
    "The run of this attempt has ended, or belongs to another worker by now: its transaction was rolled back.",
    {
      hint: "Nobody waits for this attempt; let the error pass.",
    },
  );
}
