// Bundles that no run needs go; never one that a start has just found, or is about to.
import pg from "pg";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import type { World } from "@perdure/world";
import { testPostgres } from "../../../scripts/test-servers.mjs";
import { createPostgresWorld } from "../src/index.ts";
import { bytes, newRun } from "./support/runs.ts";

let url = "";
let world: World;

beforeEach(async () => {
  url = await testPostgres();
  world = createPostgresWorld({ url, retentionMs: { completed: 0 } });
  await world.setup();
  return () => world.close();
});

async function client(): Promise<pg.Client> {
  const one = new pg.Client(url);
  await one.connect();
  onTestFinished(() => one.end());
  return one;
}

/** As if nobody had asked for them for long. */
const forget = async (hashes: readonly string[]): Promise<void> =>
  void (await (await client()).query("UPDATE perdure.code SET used_at = 5 WHERE hash = ANY($1)", [hashes]));

/** A process with a worker removes what has to go. */
const sweep = (): Promise<unknown> => world.heartbeat("w", 60_000);

const isThere = async (hash: string): Promise<boolean> => (await world.code.get(hash)) !== null;

/** Waits until a statement waits for the lock of another transaction. */
async function blocked(pattern: string): Promise<void> {
  const admin = await client();
  const waiting = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE $1";
  await expect.poll(async () => (await admin.query(waiting, [pattern])).rowCount).toBe(1);
}

test("code goes a day after it was last asked for, unless a run has it, open or over", async () => {
  const versions = ["open", "failed", "removed", "unused", "fresh"];
  for (const version of versions) await world.code.put(version, bytes(version));
  const runs = versions.slice(0, 3).map((version) => newRun({ version }));
  await world.createRuns(runs, { owner: "w" });
  for (const [index, status] of [
    [1, "failed"],
    [2, "completed"],
  ] as const) {
    await world.commit([{ runId: runs[index]!.id, fence: 1, worker: "w", base: 0, rows: [bytes("end")], patch: { status } }]);
  }
  await forget(versions.slice(0, 4));
  await sweep();
  const admin = await client();
  const left = async () => (await admin.query("SELECT hash, used_at::float8 AS used FROM perdure.code ORDER BY hash")).rows;
  await expect.poll(async () => (await left()).map(({ hash }) => hash)).toEqual(["failed", "fresh", "open"]);
  // What is needed is looked at again in a day.
  expect((await left()).every(({ used }) => used > 5)).toBe(true);
  await world.code.put("unused", bytes("again"));
  expect(await world.code.get("unused")).toEqual(bytes("again"));
});

test("a start that has found a version before the sweep keeps it", async () => {
  await world.code.put("v", bytes("code"));
  await forget(["v"]);
  const start = await client();
  await start.query("BEGIN; UPDATE perdure.code SET used_at = 1e15 WHERE hash = 'v'");
  await sweep();
  await blocked("DELETE FROM%code%");
  await start.query("COMMIT");
  await world.close();
  expect((await start.query("SELECT FROM perdure.code")).rowCount).toBe(1);
});

test("a start that comes while a version is removed stores it anew", async () => {
  await world.code.put("v", bytes("code"));
  await forget(["v"]);
  const sweeper = await client();
  await sweeper.query("BEGIN; DELETE FROM perdure.code WHERE hash = 'v'");
  const putting = world.code.put("v", bytes("code"));
  await blocked("INSERT INTO%code%");
  await sweeper.query("COMMIT");
  await putting;
  expect(await isThere("v")).toBe(true);
});

test("to store a version again, or to load it, counts as use; what was used just now is not written again", async () => {
  const admin = await client();
  const used = async (): Promise<unknown> => (await admin.query("SELECT used_at::text AS used, xmin::text FROM perdure.code")).rows[0];
  await world.code.put("v", bytes("code"));
  const first = await used();
  await world.code.put("v", bytes("code"));
  await isThere("v");
  expect(await used()).toEqual(first);
  for (const use of [() => world.code.put("v", bytes("code")), () => isThere("v")]) {
    await forget(["v"]);
    await use();
    expect(await used()).not.toMatchObject({ used: "5" });
  }
});
