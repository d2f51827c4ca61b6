import { drizzle } from "drizzle-orm/node-postgres";
import { integer, pgTable } from "drizzle-orm/pg-core";
import { Kysely, PostgresDialect } from "kysely";
import pg from "pg";
import { checkedWorld } from "@perdure/world/conformance";
import { createPostgresWorld, transaction } from "@perdure/world-postgres";
import { clientOf as drizzleClientOf } from "@perdure/world-postgres/drizzle";
import { clientOf as kyselyClientOf, poolOf } from "@perdure/world-postgres/kysely";
import { describe, expect, onTestFinished, test } from "vitest";

import { hasTestPostgres, testPostgres } from "../../../scripts/test-servers.mjs";
import { getRun, start, startMany, type StartOptions } from "../src/api/index.ts";
import { step } from "../src/internal.ts";
import { workflowOf } from "./support/bundle.ts";
import { useWorld } from "./support/lab.ts";

const double = workflowOf<[number], number>("in#double", "async(n)=>{await sleep(1);return 2*n}");
const orders = pgTable("orders", { id: integer("id").primaryKey() });

/** The World of this process, with a worker, in a fresh database with the table `orders (id int PRIMARY KEY)`. */
async function usePostgres(options: { readonly notify?: boolean } = {}) {
  const url = await testPostgres();
  const pool = new pg.Pool({ connectionString: url });
  await pool.query("CREATE TABLE orders (id int PRIMARY KEY)");
  const world = checkedWorld(createPostgresWorld({ url, ...options }));
  onTestFinished(async () => {
    await world.close();
    await pool.end();
  });
  await useWorld({}, world);
  const ids = async (): Promise<number[]> =>
    (await pool.query<{ id: number }>("SELECT id FROM orders ORDER BY id")).rows.map(({ id }) => id);
  const connect = async (): Promise<pg.PoolClient> => {
    const client = await pool.connect();
    onTestFinished(() => client.release());
    return client;
  };
  return { pool, world, ids, connect };
}

const insert = async (client: pg.ClientBase, id: number) => void (await client.query("INSERT INTO orders VALUES ($1)", [id]));

describe.runIf(hasTestPostgres())("a start in the caller's transaction", () => {
  test("is committed with its rows, and the run is executed from then on", async () => {
    const { connect, ids, world } = await usePostgres();
    const client = await connect();
    await client.query("BEGIN");
    await insert(client, 1);
    const run = await start(double, [21], { id: "order-1", client, attributes: { kind: "test" } });
    expect(run.runId).toBe("order-1");
    expect(await world.query.run({ key: "order-1" })).toBeNull();
    await client.query("COMMIT");
    expect(await run.returnValue).toBe(42);
    expect(await run.attributes).toEqual({ kind: "test" });
    expect(await ids()).toEqual([1]);
  });

  test("is rolled back with its rows, and may then be made again", async () => {
    const { connect, ids, world } = await usePostgres();
    const client = await connect();
    await client.query("BEGIN");
    await insert(client, 1);
    const run = await start(double, [1], { id: "order-1", client });
    const unnamed = await start(double, [2], { client });
    await client.query("ROLLBACK");
    await expect(run.status).rejects.toMatchObject({ code: "RUN_NOT_FOUND" });
    await expect(unnamed.status).rejects.toMatchObject({ code: "RUN_NOT_FOUND" });
    expect((await world.query.runs()).runs).toEqual([]);
    expect(await ids()).toEqual([]);
    expect(await (await start(double, [3], { id: "order-1" })).returnValue).toBe(6);
  });

  test("wakes the worker at the commit", async () => {
    // (Who listens for notifications is told to look around once it is connected.)
    const { connect, world } = await usePostgres({ notify: false });
    const client = await connect();
    let isCommitted = false;
    const hints: string[] = [];
    const woken = new Promise<void>((resolve) => {
      onTestFinished(
        world.watch(({ kind }) => {
          if (kind !== "due") return;
          hints.push(isCommitted ? "after" : "before");
          if (isCommitted) resolve();
        }),
      );
    });
    await client.query("BEGIN");
    await start(double, [1], { client });
    await start(double, [2], { client });
    isCommitted = true;
    await client.query("COMMIT");
    await woken;
    expect(hints).not.toContain("before");
  });

  test("many are one with the caller's rows", async () => {
    const { connect, world } = await usePostgres();
    const client = await connect();
    for (const [end, count] of [
      ["ROLLBACK", 0],
      ["COMMIT", 3],
    ] as const) {
      await client.query("BEGIN");
      const runs = await startMany(
        [1, 2, 3].map((n) => [double, [n], { id: `many-${n}` }] as const),
        { client },
      );
      await client.query(end);
      expect((await world.query.runs()).runs).toHaveLength(count);
      if (count > 0) expect(await Promise.all(runs.map((run) => run.returnValue))).toEqual([2, 4, 6]);
    }
  });

  test("finds the run that has its id, and returns it or fails; the transaction goes on", async () => {
    const { connect, ids } = await usePostgres();
    const client = await connect();
    const first = await start(double, [1], { id: "taken" });
    expect(await first.returnValue).toBe(2);
    await client.query("BEGIN");
    const found = await start(double, [5], { id: "taken", client });
    await expect(start(double, [5], { id: "taken", client, ifExists: "fail" })).rejects.toMatchObject({ code: "RUN_ALREADY_EXISTS" });
    const own = await start(double, [6], { id: "own", client });
    // Its own run counts, before anybody else can see it.
    await expect(start(double, [7], { id: "own", client, ifExists: "fail" })).rejects.toMatchObject({ code: "RUN_ALREADY_EXISTS" });
    await insert(client, 1);
    await client.query("COMMIT");
    expect([await found.returnValue, await own.returnValue]).toEqual([2, 12]);
    expect(await ids()).toEqual([1]);
  });

  test.each<["COMMIT" | "ROLLBACK", NonNullable<StartOptions["ifExists"]>, number | string]>([
    ["COMMIT", "return", 2],
    ["COMMIT", "fail", "RUN_ALREADY_EXISTS"],
    ["ROLLBACK", "return", 4],
    ["ROLLBACK", "fail", 4],
  ])("waits for another one of the same id; after its %s ifExists %s gives %s", async (end, ifExists, expected) => {
    const { connect } = await usePostgres();
    const [one, two] = [await connect(), await connect()];
    await one.query("BEGIN");
    await two.query("BEGIN");
    await start(double, [1], { id: "same", client: one });
    let isDecided = false;
    const second = start(double, [2], { id: "same", client: two, ifExists })
      .then(
        async (run) => (await two.query("COMMIT"), run.returnValue),
        async (error: { code: string }) => (await two.query("COMMIT"), error.code),
      )
      .finally(() => (isDecided = true));
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(isDecided).toBe(false);
    await one.query(end);
    expect(await second).toBe(expected);
  });

  test("in a snapshot that does not see the holder is a conflict, which is the caller's", async () => {
    const { connect } = await usePostgres();
    const client = await connect();
    await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ");
    await client.query("SELECT 1");
    await start(double, [1], { id: "same" });
    await expect(start(double, [2], { id: "same", client })).rejects.toMatchObject({ code: "40001" });
    await client.query("ROLLBACK");
  });

  test("takes a client with an open transaction in the World's database, no pool, no streams, no replacement", async () => {
    const { connect, pool } = await usePostgres();
    const client = await connect();
    await expect(start(double, [1], { client })).rejects.toMatchObject({ code: "WORLD_INVALID_ARGUMENT" });
    await expect(start(double, [1], { client: pool })).rejects.toMatchObject({ code: "WORLD_INVALID_ARGUMENT" });
    await expect(start(double, [1], { client: {} as never })).rejects.toMatchObject({ code: "WORLD_INVALID_ARGUMENT" });
    const elsewhere = new pg.Client(await testPostgres());
    await elsewhere.connect();
    onTestFinished(() => elsewhere.end());
    await elsewhere.query("BEGIN");
    await expect(start(double, [1], { client: elsewhere })).rejects.toMatchObject({ code: "WORLD_INVALID_ARGUMENT" });
    await client.query("BEGIN");
    await expect(start(double, [1], { client, id: "x", ifExists: "replace" })).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    const stream = new ReadableStream();
    await expect(start(double as never, [stream] as never, { client })).rejects.toMatchObject({ code: "SERIALIZATION_FAILED" });
    await client.query("ROLLBACK");
  });

  test("by Drizzle: with its rows or not at all", async () => {
    const { pool, ids, world } = await usePostgres();
    const db = drizzle(pool);
    const mistake = new Error("changed my mind");
    const place = (id: number, thrown?: Error) =>
      db.transaction(async (tx) => {
        await tx.insert(orders).values({ id });
        const run = await start(double, [id], { id: `order-${id}`, client: drizzleClientOf(tx) });
        if (thrown) throw thrown;
        return run;
      });
    await expect(place(1, mistake)).rejects.toBe(mistake);
    expect(await world.query.run({ key: "order-1" })).toBeNull();
    expect(await (await place(2)).returnValue).toBe(4);
    expect(await ids()).toEqual([2]);
    expect(() => drizzleClientOf({})).toThrow("no Drizzle transaction");
  });

  test("by Kysely: with its rows or not at all", async () => {
    const { pool, ids, world } = await usePostgres();
    const db = new Kysely<{ orders: { id: number } }>({ dialect: new PostgresDialect({ pool }) });
    const mistake = new Error("changed my mind");
    const place = (id: number, thrown?: Error) =>
      db.transaction().execute(async (trx) => {
        await trx.insertInto("orders").values({ id }).execute();
        const options = { id: `order-${id}`, client: kyselyClientOf(trx), attributes: { n: id } };
        const run = await start(double, [id], options);
        await start(double, [0], options); // finds it
        if (thrown) throw thrown;
        return run;
      });
    await expect(place(1, mistake)).rejects.toBe(mistake);
    expect(await world.query.run({ key: "order-1" })).toBeNull();
    const run = await place(2);
    expect(await run.returnValue).toBe(4);
    expect(await run.attributes).toEqual({ n: 2 });
    expect(await ids()).toEqual([2]);
    expect(() => kyselyClientOf(db as never)).toThrow("no Kysely transaction");
  });

  test("in a step's transaction starts a run once, with rows by Drizzle and Kysely, however often the step is tried", async () => {
    const { ids, world } = await usePostgres();
    let attempts = 0;
    step(
      "in#places",
      Object.assign(
        async () => {
          const started = await transaction(async (client) => {
            // Their own transactions are savepoints.
            await drizzle(client).transaction((tx) => tx.insert(orders).values({ id: 1 }));
            const db = new Kysely<{ orders: { id: number } }>({ dialect: new PostgresDialect({ pool: poolOf(client) }) });
            await db.transaction().execute((trx) => trx.insertInto("orders").values({ id: 2 }).execute());
            const undone = db.transaction().execute(async (trx) => {
              await trx.insertInto("orders").values({ id: 3 }).execute();
              throw new Error("not this one");
            });
            await expect(undone).rejects.toThrow("not this one");
            return (await start(double, [4], { client })).runId;
          });
          if (++attempts < 3) throw new Error("behind it");
          return started;
        },
        { options: { retry: { initialDelay: 1 } } },
      ),
      "places",
    );
    const runId = (await (await start(workflowOf("in#place", "()=>callStep('in#places',[])"), [])).returnValue) as string;
    expect(await getRun(runId).returnValue).toBe(8);
    expect(attempts).toBe(3);
    expect(await ids()).toEqual([1, 2]);
    expect((await world.query.runs()).runs).toHaveLength(2);
  });
});

test("a World without a database of the caller's refuses a client, and so does workflow code", async () => {
  const { world } = await useWorld();
  const client = { query: async () => ({ rows: [] }) };
  await expect(start(double, [1], { client })).rejects.toMatchObject({ code: "CLIENT_NOT_SUPPORTED" });
  await expect(startMany([[double, [1]]], { client })).rejects.toMatchObject({ code: "CLIENT_NOT_SUPPORTED" });
  expect((await world.query.runs()).runs).toEqual([]);
  const flow = workflowOf("in#workflow", "async(other)=>{try{await start(other,[1],{client:{}})}catch(e){return e.message}}");
  expect(await (await start(flow, [double])).returnValue).toContain("cannot be used in workflow code");
});
