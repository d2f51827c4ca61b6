import { describe, expect, onTestFinished, test } from "vitest";
import { hasTestPostgres, testPostgres } from "../../../scripts/test-servers.mjs";
import { createPostgresWorld, transaction } from "../src/index.ts";
import { attempt, claimedRun } from "./support/attempts.ts";
import type { Fault } from "./support/link.ts";
import { randomFaults } from "./support/proxy.ts";
import { gate, once, scene, write } from "./support/transaction-scene.ts";

describe.runIf(hasTestPostgres())("transaction", () => {
  test.each<[Fault, string, string[]]>([
    ["before", "COMMIT", ["2"]],
    ["during", "COMMIT", ["1"]],
    ["after", "COMMIT", ["1"]],
    ["after", "INSERT INTO effects", ["2"]],
    ["before", "INSERT INTO effects", ["2"]],
    ["after", "UPDATE", ["2"]],
    ["after", 'INSERT INTO "perdure".transactions', ["1"]],
    ["after", "BEGIN", ["1"]],
  ])("whose connection is lost %s %s finds out whether it was committed, and is made once", async (fault, text, expected) => {
    let armed = false;
    const decide = once(text, fault);
    const { world, effects } = await scene({}, (sql) => (armed ? decide(sql) : "none"));
    const run = await claimedRun(world);
    armed = true;
    let calls = 0;
    const value = await attempt(world, run, () => transaction((client) => write(String(++calls))(client)));
    expect(await effects()).toEqual(expected);
    expect([value]).toEqual(expected);
  });

  test.each(["INSERT INTO effects", "UPDATE", "COMMIT"])("that conflicts at %s is made again", async (text) => {
    let armed = false;
    const decide = once(text, { code: "40001", message: "could not serialize" });
    const { world, effects } = await scene({}, (sql) => (armed ? decide(sql) : "none"));
    const run = await claimedRun(world);
    armed = true;
    let calls = 0;
    expect(await attempt(world, run, () => transaction((client) => write(String(++calls))(client)))).toBe("2");
    expect(await effects()).toEqual(["2"]);
  });

  test("makes a sum right that two of them change at once, at each level of isolation", async () => {
    const { world, direct } = await scene();
    await direct.query("CREATE TABLE sums (n int); INSERT INTO sums VALUES (0)");
    for (const isolation of ["repeatable read", "serializable"] as const) {
      const runs = await Promise.all([1, 2, 3, 4].map(() => claimedRun(world)));
      const add = () =>
        transaction(
          async (client) => {
            const { rows } = await client.query<{ n: number }>("SELECT n FROM sums");
            await client.query("UPDATE sums SET n = $1", [rows[0]!.n + 1]);
          },
          { isolation },
        );
      await Promise.all(runs.map((run) => attempt(world, run, add)));
    }
    expect((await direct.query("SELECT n FROM sums")).rows).toEqual([{ n: 8 }]);
  });

  test("gets out of a deadlock", async () => {
    const { world, direct } = await scene();
    await direct.query("CREATE TABLE pairs (id int, n int); INSERT INTO pairs VALUES (1, 0), (2, 0)");
    const both = [gate(), gate()] as const;
    const step = (mine: 0 | 1) => () =>
      transaction(async (client) => {
        await client.query("UPDATE pairs SET n = n + 1 WHERE id = $1", [mine + 1]);
        both[mine].open();
        await both[1 - mine]!.opened;
        await client.query("UPDATE pairs SET n = n + 1 WHERE id = $1", [2 - mine]);
      });
    const runs = await Promise.all([claimedRun(world), claimedRun(world)]);
    await Promise.all([attempt(world, runs[0], step(0)), attempt(world, runs[1], step(1))]);
    expect((await direct.query("SELECT n FROM pairs")).rows).toEqual([{ n: 2 }, { n: 2 }]);
  });

  test("goes on on another connection when the first one is lost at its first statement", async () => {
    const { world, effects } = await scene({}, once("SET enable_seqscan", "after"));
    const run = await claimedRun(world);
    expect(await attempt(world, run, () => transaction(write("one")))).toBe("one");
    expect(await effects()).toEqual(["one"]);
  });

  test("in bad weather is made exactly once, however often it is called", { timeout: 180_000 }, async () => {
    const faults = randomFaults({ seed: 20, before: 0.05, during: 0.04, after: 0.06, serialization: 0.05 });
    let isBad = false;
    const { world, direct } = await scene({ connections: 8, notify: false }, (sql) => (isBad ? faults.decide(sql) : "none"));
    await direct.query("CREATE TABLE numbered (id int, n int)");
    const run = await claimedRun(world);
    let made = 0;
    const call = async (id: number): Promise<number> => {
      const step = () =>
        transaction(async (client) => {
          const n = ++made;
          await client.query("INSERT INTO numbered VALUES ($1, $2)", [id, n]);
          return n;
        });
      return attempt(world, run, step, { operation: `step#${id}` });
    };
    isBad = true;
    const ids = Array.from({ length: 20 }, (_, id) => id);
    // Each call twice at once, and once more.
    const values = await Promise.all([...ids, ...ids].map(call));
    const later = await Promise.all(ids.map(call));
    expect(values).toEqual([...later, ...later]);
    const { rows } = await direct.query<{ id: number; n: number }>("SELECT id, n FROM numbered ORDER BY id");
    expect(rows).toEqual(ids.map((id) => ({ id, n: later[id] })));
    for (const kind of ["before", "during", "after", "serialization"]) expect(faults.counts[kind]).toBeGreaterThan(0);
    expect(made).toBeGreaterThan(ids.length);
  });

  test.runIf(hasTestPostgres({ version: "15", pooled: true }))("goes through a pooler in transaction mode", async () => {
    const url = await testPostgres({ version: "15", pooled: true });
    const world = createPostgresWorld({ url });
    await world.setup();
    onTestFinished(() => world.close());
    const run = await claimedRun(world);
    const step = () =>
      transaction(async (client) => {
        await client.query("CREATE TABLE made (n int)");
        return (await client.query<{ limit: string }>("SELECT current_setting('idle_in_transaction_session_timeout') AS limit")).rows[0]!
          .limit;
      });
    expect(await attempt(world, run, step)).toBe("1min");
    expect(await attempt(world, run, step)).toBe("1min");
  });
});
