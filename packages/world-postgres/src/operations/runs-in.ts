/**
 * Creating runs by somebody else's transaction.
 *
 * The statements are those of `createRuns`; the connection is the caller's, and so are its errors and the end of the transaction. Nobody owns the runs: they can be claimed from
 * the commit on. Workers find them by polling, or by a hint once the connection says that it is outside of a transaction again; a NOTIFY in the caller's transaction would
 * make its commit wait for those of all others that notify (docs/decisions/0017-effects.md).
 */

import { WorldError, type CreatedRun, type NewRun } from "@perdure/world";
import type { Row, Transaction } from "../database/database.ts";
import { queryTypes } from "../database/database.ts";
import type { Sql } from "../database/sql.ts";
import { createRuns } from "./runs.ts";

export interface CallersConnection {
  /** A connected client of `pg`, or anything with its `query`. */
  readonly client: object;
  readonly sql: Sql;
  /** Called when the caller's transaction has ended, if that can be found out. */
  due(): void;
}

interface Queryable {
  query(config: object): Promise<{ readonly rows: readonly unknown[]; readonly rowCount?: number | null }>;
}

/** {@link World.createRunsIn} */
export async function createRunsIn({ client, sql, due }: CallersConnection, runs: readonly NewRun[]): Promise<CreatedRun[]> {
  assertConnection(client);
  if (runs.some(({ key, ifKeyExists }) => key !== null && ifKeyExists === "replace")) {
    throw new WorldError("WORLD_INVALID_ARGUMENT", "A run cannot be replaced in a transaction of the caller's.", {
      hint: "Create it under a key of its own, or outside of the transaction.",
    });
  }
  if (runs.length === 0) return [];
  const results = await createRuns(transactionOn(client, sql), runs, null).catch((error: unknown) => {
    throw explainCallers(error, sql);
  });
  if (results.some(({ created }) => created)) whenOutside(client, due);
  return results;
}

function assertConnection(client: object): asserts client is Queryable {
  const { query, totalCount, getTransactionStatus } = client as {
    query?: unknown;
    totalCount?: unknown;
    getTransactionStatus?: () => unknown;
  };
  let problem: string | null = null;
  if (typeof query !== "function") problem = "has no query()";
  else if (totalCount !== undefined && getTransactionStatus === undefined)
    problem = "is a pool, each of whose queries is a transaction of its own";
  else if (getTransactionStatus?.call(client) === "I") problem = "is not in a transaction";
  if (problem === null) return;
  throw new WorldError("WORLD_INVALID_ARGUMENT", `The client of a caller's transaction ${problem}.`, {
    hint: 'Pass the client on which BEGIN was called: `const client = await pool.connect(); await client.query("BEGIN")`.',
  });
}

/** Rows may come as objects: clients under a query builder know no arrays. Their columns have distinct names. */
function transactionOn(client: Queryable, sql: Sql): Transaction {
  async function send(
    template: string,
    values: readonly unknown[],
  ): Promise<{ readonly rows: readonly unknown[]; readonly rowCount?: number | null }> {
    return client.query({ text: sql.of(template).text, values, rowMode: "array", types: queryTypes });
  }
  return {
    all: async (template, values) =>
      (await send(template, values)).rows.map((row): Row => (Array.isArray(row) ? row : Object.values(row as object))),
    run: async (template, values) => (await send(template, values)).rowCount ?? 0,
    locality: null,
  };
}

function explainCallers(error: unknown, { schema }: Sql): unknown {
  const { code } = error as { code?: unknown };
  if (code !== "42P01" && code !== "3F000") return error;
  return new WorldError(
    "WORLD_INVALID_ARGUMENT",
    `The client of a caller's transaction leads to a database without the schema ${schema}.`,
    {
      hint: "Pass a client of the database in which the World keeps its runs.",
      cause: error,
    },
  );
}

interface Wire {
  on(event: "readyForQuery", listener: (message: { readonly status?: string } | undefined) => void): void;
  off(event: "readyForQuery", listener: (message: { readonly status?: string } | undefined) => void): void;
}

/** Who waits for the end of the transaction on a connection. */
const waiting = new WeakMap<object, Set<() => void>>();

/** With each answer the server says whether a transaction is open; the driver tells its own parts. */
function whenOutside(client: object, act: () => void): void {
  const { connection } = client as { connection?: Wire };
  if (typeof connection?.on !== "function") return;
  const others = waiting.get(connection);
  if (others !== undefined) return void others.add(act);
  const acts = new Set([act]);
  waiting.set(connection, acts);
  const listener = (message: { readonly status?: string } | undefined): void => {
    if (message?.status !== "I") return;
    connection.off("readyForQuery", listener);
    waiting.delete(connection);
    for (const one of acts) one();
  };
  connection.on("readyForQuery", listener);
}
