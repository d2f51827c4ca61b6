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
  create(): Promise<Harness & Required<Pick<Harness, "advance">> & { readonly schema: string }>;
  close(): Promise<void>;
}

/** Worlds that do not own their schemas. */
export interface Access {
  /** What their Worlds need for it. */
  readonly options?: Partial<PostgresWorldOptions>;
  /** How they enter a database. */
  urlOf(url: string): string;
  /** Makes the tables of a schema, which is there with its clock. */
  prepare(url: string, schema: string): Promise<void>;
}

const asOwner: Access = { urlOf: (url) => url, prepare: async () => {} };

/**
 * @param url a database of one's own
 * @param options of its Worlds, which share one pool of connections unless there is another `pool`
 * @param wrapping what the tests get for a World of a store, by a function for each store
 */
export function createStores(
  url: string,
  options: Partial<PostgresWorldOptions> = {},
  wrapping = () => (world: World) => world,
  access = asOwner,
): Stores {
  const pool = new Pool({ connectionString: access.urlOf(url), max: 30 });
  const free: Store[] = [];
  const all: Store[] = [];

  async function make(): Promise<Store> {
    const store = { schema: `store ${all.length}`, admin: new Client(url) };
    all.push(store);
    await store.admin.connect();
    await store.admin.query(`CREATE SCHEMA "${store.schema}"; CREATE TABLE "${store.schema}".test_clock AS SELECT 0::int8 AS ms`);
    await access.prepare(url, store.schema);
    return store;
  }

  return {
    async create() {
      const store = free.pop() ?? (await make());
      const { schema, admin } = store;
      const clock = `"${schema}".test_clock`;
      const wrap = wrapping();
      await admin.query(`UPDATE ${clock} SET ms = ${Date.now()}`);
      return {
        schema,
        open: async () => wrap(createPostgresWorldOn({ pool, schema, ...access.options, ...options }, { clock: clockOf(schema) })),
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
export function createShardedStores(urls: Readonly<Record<string, string>>, access = asOwner): Stores {
  const pools = Object.fromEntries(
    Object.entries(urls).map(([name, url]) => [name, new Pool({ connectionString: access.urlOf(url), max: 30 })]),
  );
  const free: Store[][] = [];
  const all: Store[][] = [];

  async function make(): Promise<Store[]> {
    const schema = `store ${all.length}`;
    const stores: Store[] = Object.values(urls).map((url) => ({ schema, admin: new Client(url) }));
    all.push(stores);
    for (const { admin } of stores) {
      await admin.connect();
      await admin.query(`CREATE SCHEMA "${schema}"; CREATE TABLE "${schema}".test_clock AS SELECT 0::int8 AS ms`);
    }
    await Promise.all(Object.values(urls).map((url) => access.prepare(url, schema)));
    return stores;
  }

  return {
    async create() {
      const stores = free.pop() ?? (await make());
      const { schema } = stores[0]!;
      const onAll = async (text: string): Promise<void> => void (await Promise.all(stores.map(({ admin }) => admin.query(text))));
      await onAll(`UPDATE "${schema}".test_clock SET ms = ${Date.now()}`);
      return {
        schema,
        open: async () =>
          settled(createPostgresWorldOn({ shards: pools, schema, ...access.options }, { clock: clockOf(schema), quickMs: 30_000 }), stores),
        advance: async (ms) => onAll(`UPDATE "${schema}".test_clock SET ms = ms + ${Math.ceil(ms)}`),
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

const clockOf = (schema: string): string => `(SELECT ms FROM "${schema}".test_clock)`;

/** A World whose calls end when what they mean to other servers has arrived there: the suite knows one server only, and no moment in between. */
function settled(world: World, stores: readonly Store[]): World {
  const isEmpty = async ({ schema, admin }: Store): Promise<boolean> =>
    (await admin.query(`SELECT FROM "${schema}".outbox LIMIT 1`)).rowCount === 0;
  const arrived = async <T>(result: T): Promise<T> => {
    const deadline = performance.now() + 20_000;
    while (!(await Promise.all(stores.map(isEmpty))).every(Boolean)) {
      if (performance.now() > deadline) throw new Error("What a call meant to other servers has not arrived there.");
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    return result;
  };
  return {
    ...world,
    createRuns: async (runs, request) => arrived(await world.createRuns(runs, request)),
    commit: async (commits) => arrived(await world.commit(commits)),
    deliver: async (messages) => arrived(await world.deliver(messages)),
    end: async (runId, how) => arrived(await world.end(runId, how)),
  };
}

/** Deletes all rows but those that say how the store is set up, after what a lost connection may still have under way. */
async function empty({ schema, admin }: Store): Promise<void> {
  const busy = "SELECT 1 FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND state <> 'idle' AND strpos(query, $1) > 0";
  while ((await admin.query(busy, [`"${schema}"`])).rowCount! > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  const { rows } = await admin.query<{ name: string }>(
    "SELECT tablename AS name FROM pg_tables WHERE schemaname = $1 AND tablename NOT IN ('versions', 'topology', 'test_clock')",
    [schema],
  );
  await admin.query(rows.map(({ name }) => `DELETE FROM "${schema}"."${name}"`).join(";"));
}
