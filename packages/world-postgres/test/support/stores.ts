// Fresh stores for tests on one database: schemas that are emptied and used again, and connections that stay, where a new schema takes a
// tenth of a second and a new connection half of that.

import { Client, Pool } from "pg";
import type { World } from "@perdure/world";
import type { Harness } from "@perdure/world/conformance";
import { createPostgresWorldOn, type PostgresWorldOptions } from "../../src/postgres-world.ts";

interface Store {
  readonly schema: string;
  /** Beside the Worlds, and without their faults. */
  readonly admin: Client;
}

export interface Stores {
  /** A fresh store, with a clock that the test moves. */
  create(): Promise<Harness>;
  close(): Promise<void>;
}

/**
 * @param url a database of one's own
 * @param options of its Worlds, which share one pool of connections unless there is another `pool`
 * @param wrap what the tests get for a World
 */
export function createStores(url: string, options: Partial<PostgresWorldOptions> = {}, wrap = (world: World): World => world): Stores {
  const pool = new Pool({ connectionString: url, max: 30 });
  const free: Store[] = [];
  const all: Store[] = [];

  async function make(): Promise<Store> {
    const store = { schema: `store ${all.length}`, admin: new Client(url) };
    all.push(store);
    await store.admin.connect();
    await store.admin.query(`CREATE SCHEMA "${store.schema}"; CREATE TABLE "${store.schema}".clock AS SELECT 0::int8 AS ms`);
    return store;
  }

  return {
    async create() {
      const store = free.pop() ?? (await make());
      const { schema, admin } = store;
      const clock = `"${schema}".clock`;
      await admin.query(`UPDATE ${clock} SET ms = ${Date.now()}`);
      return {
        open: async () => wrap(createPostgresWorldOn({ pool, schema, ...options }, { clock: `(SELECT ms FROM ${clock})` })),
        advance: async (ms) => void (await admin.query(`UPDATE ${clock} SET ms = ms + $1`, [Math.ceil(ms)])),
        async cleanup() {
          await empty(store);
          free.push(store);
        },
      };
    },
    async close() {
      for (const { admin } of all) await admin.end();
      await pool.end();
    },
  };
}

/** Deletes all rows, after what a lost connection may still have under way. */
async function empty({ schema, admin }: Store): Promise<void> {
  const busy = "SELECT 1 FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND state <> 'idle' AND strpos(query, $1) > 0";
  while ((await admin.query(busy, [`"${schema}"`])).rowCount! > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  const { rows } = await admin.query<{ name: string }>(
    "SELECT tablename AS name FROM pg_tables WHERE schemaname = $1 AND tablename NOT IN ('clock', 'versions')",
    [schema],
  );
  await admin.query(rows.map(({ name }) => `DELETE FROM "${schema}"."${name}"`).join(";"));
}
