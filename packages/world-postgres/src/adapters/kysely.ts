import { randomUUID } from "node:crypto";
import { WorldError } from "@perdure/world";
import type pg from "pg";
import type { QueryResult } from "pg";

/** What Kysely's PostgresDialect needs of a pool. */
export interface OneClientPool {
  connect(): Promise<pg.PoolClient>;
  end(): Promise<void>;
}

/**
 * The client of a `transaction()` as the pool of a dialect. Nobody closes it: the transaction ends by itself. Kysely's own transactions on it are savepoints.
 *
 * @example
 * await transaction(async (client) => {
 *   const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool: poolOf(client) }) });
 *   await db.insertInto("orders").values(order).execute();
 * });
 */
export function poolOf(client: pg.PoolClient): OneClientPool {
  return { connect: async () => client, end: async () => {} };
}

/** What of Kysely's `Transaction` this needs. */
interface Executor {
  executeQuery(query: never): Promise<{ readonly rows: readonly unknown[]; readonly numAffectedRows?: bigint | undefined }>;
}

/** Runs queries as a client of `pg` does, on the connection of a Kysely transaction. */
export interface KyselyClient {
  query(config: pg.QueryConfig): Promise<Pick<QueryResult, "rows" | "rowCount">>;
}

/**
 * The connection of a Kysely transaction, for `start(workflow, args, { client })`. Kysely does not say when it has committed, so the run is found by polling, within a second.
 *
 * @throws WORLD_INVALID_ARGUMENT for anything else
 * @example
 * await db.transaction().execute(async (trx) => {
 *   await trx.insertInto("orders").values(order).execute();
 *   await start(fulfilOrder, [order.id], { id: order.id, client: clientOf(trx) });
 * });
 */
export function clientOf(transaction: Executor & { readonly isTransaction: boolean }): KyselyClient {
  if (typeof transaction.executeQuery !== "function" || transaction.isTransaction !== true) {
    throw new WorldError("WORLD_INVALID_ARGUMENT", "clientOf() was given no Kysely transaction.", {
      hint: "Pass the `trx` of `db.transaction().execute(async (trx) => …)`.",
    });
  }
  return {
    async query({ text, values = [] }) {
      const query = { kind: "RawNode", sqlFragments: [text], parameters: [] };
      const compiled = { sql: text, parameters: values, query, queryId: { queryId: randomUUID() } };
      const { rows, numAffectedRows } = await transaction.executeQuery(compiled as never);
      return { rows: rows as Record<string, unknown>[], rowCount: numAffectedRows === undefined ? null : Number(numAffectedRows) };
    },
  };
}
