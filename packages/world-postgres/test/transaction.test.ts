import pg from "pg";
import { describe, expect, onTestFinished, test } from "vitest";
import { createMemoryWorld } from "@perdure/world/memory";
import { hasTestPostgres } from "../../../scripts/test-servers.mjs";
import { createTransactionTable, transaction, TransactionError, transactionTableSql } from "../src/index.ts";
import { attempt, claimedRun } from "./support/attempts.ts";
import { fail, gate, scene, write } from "./support/transaction-scene.ts";

describe.runIf(hasTestPostgres())("transaction", () => {
  test("writes once, and gives the recorded value to the attempts after it", async () => {
    const { world, effects } = await scene();
    const run = await claimedRun(world);
    expect(await attempt(world, run, () => transaction(write("first")))).toBe("first");
    expect(await attempt(world, run, () => transaction(write("second")))).toBe("first");
    expect(await effects()).toEqual(["first"]);
    // Another call of the step, and another run, have transactions of their own.
    expect(await attempt(world, run, () => transaction(write("other")), { operation: "step#2" })).toBe("other");
    const other = await claimedRun(world);
    expect(await attempt(world, other, () => transaction(write("third")))).toBe("third");
  });

  test("tells calls of one attempt apart by their place or their key", async () => {
    const { world, effects } = await scene();
    const run = await claimedRun(world);
    const step = (mark: string) => async () => [
      await transaction(write(`1${mark}`)),
      await transaction(write(`k${mark}`), { key: "#2" }),
      await transaction(write(`2${mark}`)),
      await transaction(write(`again${mark}`), { key: "#2" }),
    ];
    expect(await attempt(world, run, step("a"))).toEqual(["1a", "ka", "2a", "ka"]);
    expect(await attempt(world, run, step("b"))).toEqual(["1a", "ka", "2a", "ka"]);
    expect(await effects()).toEqual(["1a", "2a", "ka"]);
  });

  test("leaves nothing behind when its function throws, and is made by the next attempt", async () => {
    const { world, effects } = await scene();
    const run = await claimedRun(world);
    const mistake = new RangeError("no");
    const step = () => transaction(async (client) => write("lost")(client).then(fail(mistake)));
    await expect(attempt(world, run, step)).rejects.toBe(mistake);
    expect(await attempt(world, run, () => transaction(write("kept")))).toBe("kept");
    expect(await effects()).toEqual(["kept"]);
  });

  test("is not committed when its value cannot be stored, or nobody wants it any more", async () => {
    const { world, effects } = await scene();
    const run = await claimedRun(world);
    const encode = (): string => {
      throw new TypeError("a function");
    };
    await expect(attempt(world, run, () => transaction(write("lost")), { encode })).rejects.toThrow("a function");
    const controller = new AbortController();
    const step = () =>
      transaction(async (client) => {
        await write("late")(client);
        controller.abort(new Error("timed out"));
      });
    await expect(attempt(world, run, step, { signal: controller.signal })).rejects.toThrow("timed out");
    expect(await effects()).toEqual([]);
  });

  test("at once in many places, is made in one of them, and the others wait for its value", async () => {
    const { world, effects } = await scene({ connections: 20 });
    const run = await claimedRun(world);
    const values = await Promise.all(Array.from({ length: 10 }, (_, n) => attempt(world, run, () => transaction(write(`by ${n}`)))));
    expect(new Set(values).size).toBe(1);
    expect(await effects()).toEqual([values[0]]);
  });

  test("that is rolled back lets the one that waits make its queries", async () => {
    const { world, effects } = await scene();
    const run = await claimedRun(world);
    const [begun, goOn] = [gate(), gate()];
    const first = attempt(world, run, () =>
      transaction(async (client) => {
        await write("first")(client);
        begun.open();
        await goOn.opened;
        throw new Error("given up");
      }),
    );
    await begun.opened;
    const second = attempt(world, run, () => transaction(write("second")));
    goOn.open();
    await expect(first).rejects.toThrow("given up");
    expect(await second).toBe("second");
    expect(await effects()).toEqual(["second"]);
  });

  test("of an attempt whose run was taken over is rolled back, before and behind its queries", async () => {
    const { world, direct, effects } = await scene();
    const run = await claimedRun(world);
    const takeOver = () => direct.query("UPDATE perdure.runs SET fence = fence + 1 WHERE id = $1", [run]);
    const zombie = () =>
      transaction(async (client) => {
        await write("zombie")(client);
        await takeOver();
      });
    await expect(attempt(world, run, zombie)).rejects.toMatchObject({ code: "TRANSACTION_FENCED" });
    await expect(attempt(world, run, () => transaction(write("late")))).rejects.toMatchObject({ code: "TRANSACTION_FENCED" });
    expect(await effects()).toEqual([]);
    expect(await attempt(world, run, () => transaction(write("owner")), { fence: 2 })).toBe("owner");
    expect(await effects()).toEqual(["owner"]);
  });

  test("of two zombies and the owner, who meet at one call, is the owner's", async () => {
    const { world, direct, effects } = await scene();
    const run = await claimedRun(world);
    const [begun, goOn] = [gate(), gate()];
    const zombies = [1, 2].map((n) =>
      attempt(world, run, () =>
        transaction(async (client) => {
          await write(`zombie ${n}`)(client);
          begun.open();
          await goOn.opened;
        }),
      ).catch((error: unknown) => error),
    );
    await begun.opened;
    await direct.query("UPDATE perdure.runs SET fence = 2 WHERE id = $1", [run]);
    const owner = attempt(world, run, () => transaction(write("owner")), { fence: 2 });
    goOn.open();
    expect(await owner).toBe("owner");
    const ends = await Promise.all(zombies);
    // The one that waited may have found the owner's value, which nobody will ask it for.
    expect(ends.some((end) => TransactionError.is(end) && end.code === "TRANSACTION_FENCED")).toBe(true);
    expect(ends.every((end) => end === "owner" || (TransactionError.is(end) && end.code === "TRANSACTION_FENCED"))).toBe(true);
    expect(await effects()).toEqual(["owner"]);
  });

  test("of a run that was ended meanwhile is rolled back", async () => {
    const { world, effects } = await scene();
    const run = await claimedRun(world);
    const step = () =>
      transaction(async (client) => {
        await write("lost")(client);
        await world.end(run, { status: "cancelled", output: new Uint8Array(), note: null });
      });
    await expect(attempt(world, run, step)).rejects.toMatchObject({ code: "TRANSACTION_FENCED" });
    expect(await effects()).toEqual([]);
  });

  test("does not keep the run from being written to while its function is at work", async () => {
    const { world, effects } = await scene();
    const run = await claimedRun(world);
    const step = () =>
      transaction(async (client) => {
        await write("slow")(client);
        const committed = await world.commit([
          { runId: run, fence: 1, worker: "worker", base: 0, rows: [new Uint8Array([7])], patch: { dueAt: null } },
        ]);
        const [delivery] = await world.deliver([{ id: "m", to: { runId: run }, kind: "k", payload: new Uint8Array() }]);
        return [committed[0]?.status, delivery?.status];
      });
    expect(await attempt(world, run, step)).toEqual(["committed", "delivered"]);
    expect(await effects()).toEqual(["slow"]);
  });

  test("throws what a query of its function throws, also when the function went on after it", async () => {
    const { world, direct, effects } = await scene();
    await direct.query("CREATE UNIQUE INDEX ON effects (what); INSERT INTO effects VALUES ('taken')");
    const run = await claimedRun(world);
    await expect(attempt(world, run, () => transaction(write("taken")))).rejects.toMatchObject({ code: "23505" });
    const careless = () => transaction((client) => write("taken")(client).catch(() => "never mind"));
    await expect(attempt(world, run, () => transaction((client) => client.query(undefined as never)))).rejects.toThrow(TypeError);
    await expect(attempt(world, run, careless)).rejects.toMatchObject({ code: "23505" });
    await expect(attempt(world, run, () => transaction((client) => client.query("SELECT * FROM nowhere")))).rejects.toMatchObject({
      code: "42P01",
    });
    expect(await effects()).toEqual(["taken"]);
  });

  test("makes savepoints of the transactions that its function opens", async () => {
    const { world, direct, effects } = await scene();
    await direct.query("CREATE UNIQUE INDEX ON effects (what)");
    const run = await claimedRun(world);
    const step = () =>
      transaction(async (client) => {
        await client.query("BEGIN");
        await write("outer")(client);
        await client.query("start transaction isolation level serializable");
        await write("inner")(client);
        await expect(write("outer")(client)).rejects.toMatchObject({ code: "23505" });
        await client.query({ text: "rollback" });
        await client.query("SAVEPOINT a");
        await write("undone")(client);
        await client.query("ROLLBACK TO SAVEPOINT a; SELECT 1");
        await write("behind")(client);
        await client.query("commit");
      });
    await attempt(world, run, step);
    expect(await effects()).toEqual(["behind", "outer"]);
  });

  test.each([
    "COMMIT",
    "END",
    "ROLLBACK",
    "/* by hand */ COMMIT",
    "COMMIT; BEGIN",
    "SELECT 1; COMMIT; BEGIN",
    "BEGIN; SELECT 1",
    "SELECT 1; ROLLBACK",
  ])("is refused when its function says %s, now and at the next attempt", async (text) => {
    const { world, effects } = await scene();
    const run = await claimedRun(world);
    const step = () =>
      transaction(async (client) => {
        await write("by hand")(client);
        await client.query(text);
      });
    await expect(attempt(world, run, step)).rejects.toMatchObject({ code: "TRANSACTION_CONTROL" });
    await expect(attempt(world, run, step)).rejects.toMatchObject({ code: "TRANSACTION_CONTROL" });
    expect((await effects()).length).toBeLessThanOrEqual(1);
  });

  test("takes no query when it is over", async () => {
    const { world, effects } = await scene();
    const run = await claimedRun(world);
    const client = await attempt(world, run, async () => {
      let kept: pg.PoolClient | undefined;
      await transaction(async (client) => void (kept = client));
      return kept!;
    });
    await expect(write("late")(client)).rejects.toMatchObject({ code: "TRANSACTION_ENDED" });
    expect(await effects()).toEqual([]);
  });

  test("is for running steps, not inside of another, and needs a PostgreSQL", async () => {
    const { world } = await scene();
    await expect(transaction(write("nowhere"))).rejects.toMatchObject({ code: "NOT_IN_STEP" });
    const run = await claimedRun(world);
    const nested = () => transaction(() => transaction(write("inner")));
    await expect(attempt(world, run, nested)).rejects.toMatchObject({ code: "TRANSACTION_NESTED" });
    const elsewhere = attempt(createMemoryWorld(), run, () => transaction(write("nowhere")));
    await expect(elsewhere).rejects.toMatchObject({ code: "TRANSACTION_NO_DATABASE" });
    for (const options of [{ key: "" }, { key: "x".repeat(257) }, { key: "\0" }, { isolation: "chaos" as never }, { url: "a", world }]) {
      await expect(attempt(world, run, () => transaction(write("nowhere"), options))).rejects.toMatchObject({
        code: "WORLD_INVALID_ARGUMENT",
      });
    }
  });

  test("in another database keeps its results there, in a table that anybody may create at any time", async () => {
    const { world, effects, url, direct } = await scene();
    const memory = createMemoryWorld();
    const run = await claimedRun(world);
    const pool = new pg.Pool({ connectionString: url });
    onTestFinished(() => pool.end());
    const step = () => transaction(write("there"), { pool });
    await expect(attempt(memory, run, step)).rejects.toMatchObject({ code: "TRANSACTION_TABLE_MISSING" });
    await Promise.all([1, 2, 3, 4].map(() => createTransactionTable(pool)));
    await pool.query(transactionTableSql);
    // No run of the memory World is there, and none is looked for.
    expect(await attempt(memory, run, step, { fence: 9 })).toBe("there");
    expect(await attempt(memory, run, () => transaction(write("again"), { url }))).toBe("there");
    // Another database, another table: in the World's own the call was not made yet.
    expect(await attempt(world, run, () => transaction(write("own")))).toBe("own");
    expect(await attempt(memory, run, () => transaction(write("again"), { world }))).toBe("own");
    expect(await effects()).toEqual(["own", "there"]);
    expect((await direct.query("SELECT name FROM perdure_transactions")).rows).toEqual([{ name: "#1" }]);
  });

  test("leaves connections to the World, however many functions are at work", async () => {
    const { world } = await scene({ connections: 4, patienceMs: 5000 });
    const run = await claimedRun(world);
    const goOn = gate();
    const slow = Array.from({ length: 12 }, (_, n) => attempt(world, run, () => transaction(() => goOn.opened, { key: `${n}` })));
    await world.heartbeat("worker", 10_000);
    expect(await world.query.run({ id: run })).not.toBeNull();
    goOn.open();
    await Promise.all(slow);
  });

  test("is planned as the database would, whatever the World's connections are set to", async () => {
    const { world } = await scene();
    const run = await claimedRun(world);
    const settings = "SELECT current_setting('enable_seqscan') AS seqscan, current_setting('plan_cache_mode') AS plans";
    const step = () => transaction(async (client) => (await client.query(settings)).rows);
    expect(await attempt(world, run, step)).toEqual([{ seqscan: "on", plans: "auto" }]);
  });
});
