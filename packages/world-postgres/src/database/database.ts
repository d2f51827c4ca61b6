/**
 * Statements and transactions on a pool, tried again for as long as that is safe and of use.
 *
 * What was rolled back is tried again. What may have been committed is tried again only where doing it twice is doing it once; else the caller
 * is told that the outcome is unknown (WORLD_UNAVAILABLE). Nothing here ever sends a cancel request: a commit that waits for a standby would then
 * claim a success that it is not.
 */

import type { QueryConfig, QueryResult } from "pg";
import pg from "pg";
import { setTimeout as sleep } from "node:timers/promises";
import { WorldError } from "@perdure/world";
import { explain, failureKind, isTooLate, RolledBack, spoilsConnection, unavailable, UnconfirmedCommit } from "./failure.ts";
import { limitIdle } from "./idle-limit.ts";
import type { PgClient, PgSource } from "./source.ts";
import type { Locality } from "./locality.ts";
import type { Sql } from "./sql.ts";

/** The columns of a row, in order. int8 arrives as a number. */
export type Row = readonly unknown[];

export interface Statement {
  readonly template: string;
  readonly values: readonly unknown[];
}

/** Where statements of one transaction go. */
export interface Transaction {
  all(template: string, values: readonly unknown[]): Promise<readonly Row[]>;
  /** How many rows were written. */
  run(template: string, values: readonly unknown[]): Promise<number>;
  /** What is on this server; null: everything. */
  readonly locality: Locality | null;
}

/** Whether doing it twice is doing it once. */
export type Repeatable = "repeatable" | "once";

export interface Database extends Transaction {
  /** One statement in a transaction of its own. `isRetry`: an earlier try may have been committed. */
  statement(of: (isRetry: boolean) => Statement, repeatable: Repeatable): Promise<QueryResult<unknown[]>>;
  /** All of the work or none of it. The work may be called again, with another transaction; `isRetry`: an earlier try may have been committed. */
  transaction<T>(work: (transaction: Transaction, isRetry: boolean) => Promise<T>, repeatable: Repeatable): Promise<T>;
  /** Statements of their own that are not tried again. */
  readonly direct: Transaction;
  /** Tries `work` again as long as that may help; the statements in it are its own affair. */
  retry<T>(work: (isRetry: boolean) => Promise<T>, repeatable: Repeatable): Promise<T>;
  /** From now on nothing is prepared by name: a pooler is in between. */
  withoutNames(): void;
}

const INT8 = 20;
const BYTEA = 17;

/** How values are read: int8 as a number, bytes as plain ones. */
export const queryTypes = {
  getTypeParser(oid: number, format?: "text" | "binary") {
    if (oid === INT8) return Number;
    return oid === BYTEA ? toBytes : pg.types.getTypeParser(oid, format);
  },
} as NonNullable<QueryConfig["types"]>;

/** Plain bytes, and a copy: a Buffer of few bytes keeps a whole block of its pool alive. */
function toBytes(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text.slice(2), "hex"));
}

export interface DatabaseOptions {
  readonly source: PgSource;
  readonly sql: Sql;
  readonly named: boolean;
  /** For how long a call is tried again. */
  readonly patienceMs: number;
  readonly locality: Locality | null;
  /** See {@link IDLE_MS}. */
  readonly idleMs: number;
}

export function createDatabase({ source, sql, named, patienceMs, locality, idleMs }: DatabaseOptions): Database {
  let isNamed = named;
  const begin = `BEGIN;${limitIdle(idleMs)}`;

  async function send(client: PgClient, template: string, values: readonly unknown[]): Promise<QueryResult<unknown[]>> {
    const { name, text } = sql.of(template);
    const config = { text, values: values as unknown[], rowMode: "array" as const, types: queryTypes };
    return client.query(isNamed ? { ...config, name } : config);
  }

  /** A connection for the time of the work; one that failed is given up. */
  async function withClient<T>(work: (client: PgClient) => Promise<T>): Promise<T> {
    const client = await source.connect().catch(nothingSent);
    let failure: unknown = null;
    try {
      return await work(client);
    } catch (error) {
      if (spoilsConnection(error)) failure = error;
      throw error;
    } finally {
      client.release(failure !== null);
    }
  }

  function confirm(client: PgClient): void {
    if (client.takeUnconfirmed()) throw new UnconfirmedCommit();
  }

  async function retry<T>(work: (isRetry: boolean) => Promise<T>, repeatable: Repeatable): Promise<T> {
    const deadline = performance.now() + patienceMs;
    let isRetry = false;
    for (let pauseMs = 2; ; pauseMs = Math.min(pauseMs * 2, 1000)) {
      try {
        return await work(isRetry);
      } catch (error) {
        const kind = failureKind(error);
        if (kind === "refused") throw explain(error);
        if (kind === "unprepared") isNamed = false;
        if (kind === "unknown") {
          if (repeatable === "once") throw unavailable(error);
          isRetry = true;
        }
        if (performance.now() + pauseMs > deadline || source.closed) throw unavailable(error);
      }
      await sleep(pauseMs * (0.5 + Math.random()));
    }
  }

  async function once(template: string, values: readonly unknown[]): Promise<QueryResult<unknown[]>> {
    return withClient(async (client) => {
      const result = await send(client, template, values);
      confirm(client);
      return result;
    });
  }

  async function transact<T>(work: (transaction: Transaction) => Promise<T>): Promise<T> {
    return withClient(async (client) => {
      const execute: Send = async (template, values) => send(client, template, values);
      let hasOutgoing = false;
      const own = locality && { ...locality, noteOutbox: () => (hasOutgoing = true) };
      const value = await runTransaction(client, begin, async () => work(transactionOf(execute, own)));
      if (hasOutgoing) locality?.noteOutbox();
      confirm(client);
      return value;
    });
  }

  const statement: Database["statement"] = async (of, repeatable) =>
    retry(async (isRetry) => {
      const { template, values } = of(isRetry);
      return once(template, values);
    }, repeatable);
  const repeated: Send = async (template, values) => retry(async () => once(template, values), "repeatable");
  return {
    statement,
    locality,
    direct: transactionOf(once, locality),
    retry,
    transaction: async (work, repeatable) =>
      retry(async (isRetry) => transact(async (transaction) => work(transaction, isRetry)), repeatable),
    all: async (template, values) => (await repeated(template, values)).rows,
    run: async (template, values) => (await repeated(template, values)).rowCount ?? 0,
    withoutNames() {
      isNamed = false;
    },
  };
}

type Send = (template: string, values: readonly unknown[]) => Promise<QueryResult<unknown[]>>;

function transactionOf(send: Send, locality: Locality | null): Transaction {
  return {
    all: async (template, values) => (await send(template, values)).rows,
    run: async (template, values) => (await send(template, values)).rowCount ?? 0,
    locality,
  };
}

async function runTransaction<T>(client: PgClient, begin: string, work: () => Promise<T>): Promise<T> {
  await client.query({ text: begin }).catch(nothingSent);
  let value: T;
  try {
    value = await work();
  } catch (error) {
    throw await rollback(client, error);
  }
  const { command } = await client.query({ text: "COMMIT" }).catch((error: unknown) => {
    throw isTooLate(error) ? new RolledBack(error) : error;
  });
  if (command !== "COMMIT") throw new Error("PostgreSQL rolled a transaction back that it was told to commit.");
  return value;
}

/** Ends a transaction whose commit was not asked for: whatever happened to the connection, nothing of it stays. */
async function rollback(client: PgClient, error: unknown): Promise<unknown> {
  if (failureKind(error) === "unknown") return new RolledBack(error);
  try {
    await client.query({ text: "ROLLBACK" });
    return error;
  } catch {
    return failureKind(error) === "refused" ? error : new RolledBack(error);
  }
}

/** A connection that was lost before it had anything to lose. */
function nothingSent(error: unknown): never {
  throw failureKind(error) === "unknown" ? new RolledBack(error) : error;
}

/** The error for a World that was closed. */
export function closedError(): WorldError {
  return new WorldError("WORLD_CLOSED", "The World on PostgreSQL is closed.", { hint: "Create another one." });
}
