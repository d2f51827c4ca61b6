// Fresh stores for tests on one database: schemas that are emptied and used again, and connections that stay, where a new schema takes a
// tenth of a second and a new connection half of that.

import { Client, Pool } from "pg";
import type { World } from "@perdure/world";
import type { Harness } from "@perdure/world/conformance";
import type { PostgresWorldOptions } from "../../src/options.ts";
import { createPostgresWorldOn } from "../../src/postgres-world.ts";

interface Store {
  readonly schema: string;
  /** Beside the Worlds, and without their faults. */
  readonly admin: Client;
}

export interface Stores {
  /** A fresh store, with a clock that the test moves. */
  create(): Promise<Harness & { readonly schema: string }>;
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
        schema,
        open: async () => wrap(createPostgresWorldOn({ pool, schema, ...options }, { clock: clockOf(schema) })),
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

/** The same on several servers: a schema of one name on each, and one time for all. */
export function createShardedStores(urls: Readonly<Record<string, string>>): Stores {
  const pools = Object.fromEntries(Object.entries(urls).map(([name, url]) => [name, new Pool({ connectionString: url, max: 30 })]));
  const free: Store[][] = [];
  const all: Store[][] = [];

  async function make(): Promise<Store[]> {
    const schema = `store ${all.length}`;
    const stores: Store[] = Object.values(urls).map((url) => ({ schema, admin: new Client(url) }));
    all.push(stores);
    for (const { admin } of stores) {
      await admin.connect();
      await admin.query(`CREATE SCHEMA "${schema}"; CREATE TABLE "${schema}".clock AS SELECT 0::int8 AS ms`);
    }
    return stores;
  }

  return {
    async create() {
      const stores = free.pop() ?? (await make());
      const { schema } = stores[0]!;
      const onAll = async (text: string): Promise<void> => void (await Promise.all(stores.map(({ admin }) => admin.query(text))));
      await onAll(`UPDATE "${schema}".clock SET ms = ${Date.now()}`);
      return {
        schema,
        open: async () => createPostgresWorldOn({ shards: pools, schema }, { clock: clockOf(schema), settleMs: 20_000, quickMs: 30_000 }),
        advance: async (ms) => onAll(`UPDATE "${schema}".clock SET ms = ms + ${Math.ceil(ms)}`),
        async cleanup() {
          await Promise.all(stores.map((store) => empty(store)));
          free.push(stores);
        },
      };
    },
    async close() {
      for (const { admin } of all.flat()) await admin.end();
      for (const pool of Object.values(pools)) await pool.end();
    },
  };
}

const clockOf = (schema: string): string => `(SELECT ms FROM "${schema}".clock)`;

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
