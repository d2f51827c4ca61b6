import { WorldError } from "@perdure/world";
import type pg from "pg";

/**
 * The client of `pg` under a Drizzle transaction (driver `drizzle-orm/node-postgres`), for `start(workflow, args, { client })`. The other way round needs no help: in a `transaction()`,
 * `drizzle(client)`.
 *
 * @throws WORLD_INVALID_ARGUMENT for anything else
 * @example
 * await db.transaction(async (tx) => {
 *   await tx.insert(orders).values(order);
 *   await start(fulfilOrder, [order.id], { id: order.id, client: clientOf(tx) });
 * });
 */
export function clientOf(transaction: object): pg.PoolClient {
  const { session } = transaction as { session?: { client?: { query?: unknown } } };
  if (typeof session?.client?.query === "function") return session.client as pg.PoolClient;
  throw new WorldError("WORLD_INVALID_ARGUMENT", "clientOf() was given no Drizzle transaction over `pg`.", {
    hint: "Pass the `tx` of `db.transaction(async (tx) => …)`, of a `db` from drizzle-orm/node-postgres.",
  });
}
