// Who has a key whose home is another server than its run's, in whatever order the servers hear of it.

import { Client } from "pg";
import { describe, expect, onTestFinished, test } from "vitest";
import type { World } from "@perdure/world";
import { query } from "../../../scripts/postgres.mjs";
import { hasTestPostgres, testPostgres } from "../../../scripts/test-servers.mjs";
import { createPostgresWorld } from "../src/index.ts";
import { bytes, commitOf } from "./support/runs.ts";
import { type Created, withoutCouriers } from "./support/servers.ts";

async function three(): Promise<Record<"a" | "b" | "c", string>> {
  return { a: await testPostgres(), b: await testPostgres(), c: await testPostgres() };
}

/** A World on all of them, which delivers what is in their outboxes. */
async function open(shards: Record<string, string>): Promise<World> {
  const world = createPostgresWorld({ connections: 4, shards });
  onTestFinished(() => world.close(), 60_000);
  await world.setup();
  return world;
}

const outboxOf = async (url: string): Promise<number> => (await query(url, "SELECT 1 FROM perdure.outbox")).length;

/** By the runs that took keys whose home is a server: whom they took them from. */
async function takenAt(url: string): Promise<Record<string, string>> {
  const rows = await query(url, "SELECT id, replaced FROM perdure.reservations WHERE replaced IS NOT NULL");
  return Object.fromEntries(rows.map(({ id, replaced }) => [id, replaced] as [string, string]));
}

describe.runIf(hasTestPostgres())("keys among several servers", { timeout: 90_000 }, () => {
  test("what reaches a key's home late and again counts in the order in which the runs' server wrote it: the newest run has the key", async () => {
    const urls = await three();
    const servers = await withoutCouriers(urls);
    const key = servers.keyAt("c");
    const first = await servers.create("a", { key });
    // Nobody tells the home: their process ended after the commit.
    const second = await servers.createHere("a", { key, ifKeyExists: "replace", replaceOutput: bytes("by the second") });
    const third = await servers.createHere("a", { key, ifKeyExists: "replace", replaceOutput: bytes("by the third") });
    const fourth = servers.run("a");
    await servers.commitHere("a", commitOf(third.id, "w", 0, { patch: { status: "completed" }, successor: fourth }));
    expect(await takenAt(urls.c)).toEqual({});
    const fifth = await servers.create("a", { key, ifKeyExists: "replace", replaceOutput: bytes("by the fifth") });
    const taken = { [second.id]: first.id, [third.id]: second.id, [fifth.id]: fourth.id };
    expect([fifth.replaced, await takenAt(urls.c), await outboxOf(urls.a)]).toEqual([fourth.id, taken, 4]);

    const world = await open(urls);
    await expect.poll(() => outboxOf(urls.a), { timeout: 30_000 }).toBe(0);
    await expect.poll(() => outboxOf(urls.c), { timeout: 30_000 }).toBe(0);
    expect(await takenAt(urls.c)).toEqual(taken);
    expect((await world.query.run({ key }))?.id).toBe(fifth.id);
    const found = await world.query.runsById([first, second, third, fourth, fifth].map(({ id }) => id));
    expect(found.map(({ status, output, note }) => [status, output && new TextDecoder().decode(output), note])).toEqual([
      ["cancelled", "by the second", `replaced by ${second.id}`],
      ["cancelled", "by the third", `replaced by ${third.id}`],
      ["completed", null, null],
      ["cancelled", "by the fifth", `replaced by ${fifth.id}`],
      ["running", null, null],
    ]);
  });

  test("a key's home is told of runs that replace one another in the order in which they were inserted, not in that in which they tried", async () => {
    const urls = await three();
    const servers = await withoutCouriers(urls);
    const key = servers.keyAt("c");
    const [early, late] = [servers.run("a"), servers.run("a")];
    const other = new Client(urls.a);
    await other.connect();
    onTestFinished(() => other.end());
    // What a creation under way has written, but for the outbox.
    await other.query("BEGIN");
    await other.query(
      "INSERT INTO perdure.runs (id, key, workflow, version, input, due_at, fence, created_at) VALUES ($1, $2, 0, 0, '', 0, 0, 0)",
      [early.id, key],
    );
    const creation = servers.createHere("a", { ...late, key, ifKeyExists: "replace" });
    const waiting =
      "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%INSERT INTO%' AND datname = current_database()";
    await expect.poll(async () => (await query(urls.a, waiting)).length).toBe(1);
    await other.query("INSERT INTO perdure.outbox (at, kind, data) VALUES (0, 'take', $1)", [JSON.stringify({ key, by: early.id })]);
    await other.query("COMMIT");
    expect((await creation).replaced).toBe(early.id);
    const rows = await query(urls.a, "SELECT data FROM perdure.outbox ORDER BY position");
    expect(rows.map(({ data }) => (JSON.parse(data as string) as { by: string }).by)).toEqual([early.id, late.id]);
  });

  describe("a run takes a key while another one that has only reserved it is about to be created", () => {
    /** What became of the two, when all has arrived where it is to go. */
    async function outcome(urls: Record<string, string>, key: string, ids: readonly string[]): Promise<readonly (string | null)[]> {
      const world = await open(urls);
      for (const url of Object.values(urls)) await expect.poll(() => outboxOf(url), { timeout: 30_000 }).toBe(0);
      expect((await world.query.runs({ status: "running" })).runs.map(({ id }) => id)).toEqual(ids.slice(-1));
      expect((await world.query.run({ key }))?.id).toBe(ids.at(-1));
      return (await Promise.all(ids.map((id) => world.query.run({ id })))).map((run) => run && `${run.status}, ${run.key}`);
    }

    test.for(["before", "after"])("on another server, which is told %s it is created: there is one open run", async (when) => {
      const urls = await three();
      const servers = await withoutCouriers(urls);
      const key = servers.keyAt("c");
      const first = servers.run("a");
      let taker: Created | undefined;
      const found = await servers.create("a", { ...first, key }, async () => {
        taker = await servers.create("b", { key, ifKeyExists: "replace" });
        if (when === "before") await outcome(urls, key, [taker.id]);
      });
      expect(found.id).toBe(when === "before" ? taker!.id : first.id);
      const ended = when === "before" ? null : "cancelled, null";
      expect(await outcome(urls, key, [first.id, taker!.id])).toEqual([ended, `running, ${key}`]);
    });

    test.for(["has not heard of", "knows of"])(
      "on the same server, which the home %s: the run that took the key keeps it",
      async (what) => {
        const urls = await three();
        const servers = await withoutCouriers(urls);
        const key = servers.keyAt("c");
        const first = servers.run("a");
        let taker: Created | undefined;
        const found = await servers.create("a", { ...first, key }, async () => {
          const fields = { key, ifKeyExists: "replace" } as const;
          taker = await (what === "knows of" ? servers.create("a", fields) : servers.createHere("a", fields));
          if (what === "knows of") await query(urls.a, "DELETE FROM perdure.outbox");
        });
        expect(found.id).toBe(taker!.id);
        expect(await outcome(urls, key, [first.id, taker!.id])).toEqual([null, `running, ${key}`]);
      },
    );

    test("a run that has lost the key, and was not told of it, does not keep it from a new one", async () => {
      const urls = await three();
      const servers = await withoutCouriers(urls);
      const key = servers.keyAt("c");
      const first = await servers.create("a", { key });
      const second = await servers.create("b", { key, ifKeyExists: "replace" });
      await query(urls.b, "DELETE FROM perdure.runs"); // it ended long ago
      const third = servers.run("a");
      expect((await servers.create("a", { ...third, key })).id).toBe(third.id);
      expect(second.replaced).toBe(first.id);
      expect(await outcome(urls, key, [first.id, third.id])).toEqual(["cancelled, null", `running, ${key}`]);
    });
  });
});
