import { readFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { World } from "@perdure/world";
import { startPostgres, type PostgresServer } from "../../../scripts/postgres.mjs";
import { createPostgresWorld } from "../src/index.ts";
import { bytes, newRun } from "./support/runs.ts";
import { warningsOf } from "./support/warnings.ts";

// A server of its own: these tests restart it, and change how it commits.
let server: PostgresServer;
let world: World;
const admin = (): pg.Client => new pg.Client(server.url);

beforeAll(async () => {
  server = await startPostgres();
  world = createPostgresWorld({ url: server.url });
  await world.setup();
});

afterAll(async () => {
  await world.close();
  await server.stop();
});

async function ownedRun(worker: string): Promise<string> {
  await world.heartbeat(worker, 600_000);
  const [created] = await world.createRuns([newRun()], { owner: worker });
  return created!.run.id;
}

async function once<T>(work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = admin();
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

test("a commit whose wait for a synchronous standby is cancelled is not acknowledged before it is confirmed", async () => {
  const runId = await ownedRun("w");
  await server.reload({ synchronous_standby_names: "nobody" });
  let answered = false;
  try {
    const committing = world.commit([{ runId, fence: 1, worker: "w", base: 0, rows: [bytes("row")] }]).finally(() => (answered = true));
    let cancelled = 0;
    while (cancelled < 3) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      const { rows } = await once((client) =>
        client.query("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND application_name = 'perdure'"),
      );
      cancelled += rows.length;
      expect(answered).toBe(false);
    }
    // It is written here, and nowhere else.
    expect(
      await once(
        async (client) => (await client.query("SELECT count(*)::int AS n FROM perdure.history WHERE run_id = $1", [runId])).rows[0],
      ),
    ).toEqual({ n: 1 });
    await server.reload({ synchronous_standby_names: null });
    expect(await committing).toEqual([{ status: "committed", conflicts: [] }]);
  } finally {
    await server.reload({ synchronous_standby_names: null });
  }
  expect((await world.load(runId)).rows).toHaveLength(1);
});

/** How often a server has refused to append rows because it may only be read. */
const refusals = ({ folder }: PostgresServer): number =>
  readFileSync(join(folder, "log"), "utf8").match(/in a read-only transaction\n.*STATEMENT:\s+INSERT INTO "perdure"\.history/g)?.length ??
  0;

test("a server that may only be read is waited for", async () => {
  const runId = await ownedRun("w");
  await server.reload({ default_transaction_read_only: "on" });
  await once((client) => client.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'perdure'"));
  let answered = false;
  const committing = world.commit([{ runId, fence: 1, worker: "w", base: 0, rows: [bytes("row")] }]).finally(() => (answered = true));
  // The commit was refused, and tried again.
  await expect.poll(async () => refusals(server)).toBeGreaterThan(2);
  expect(answered).toBe(false);
  expect((await world.load(runId)).rows).toEqual([]);
  await server.reload({ default_transaction_read_only: null });
  expect(await committing).toEqual([{ status: "committed", conflicts: [] }]);
});

test("commits go on over crashes of the server: none is lost, none is there twice", async () => {
  const runs = await Promise.all(Array.from({ length: 20 }, (_, index) => ownedRun(`worker ${index}`)));
  let isOver = false;
  const acknowledged = runs.map(async (runId, index) => {
    let base = 0;
    for (; !isOver; base++) {
      const [result] = await world.commit([{ runId, fence: 1, worker: `worker ${index}`, base, rows: [bytes(`${base}`)] }]);
      expect(result).toEqual({ status: "committed", conflicts: [] });
    }
    return base;
  });
  for (let crash = 0; crash < 3; crash++) {
    await new Promise((resolve) => setTimeout(resolve, 200));
    await server.restart("immediate");
  }
  await new Promise((resolve) => setTimeout(resolve, 200));
  isOver = true;
  for (const [index, length] of (await Promise.all(acknowledged)).entries()) {
    const { rows } = await world.load(runs[index]!);
    expect(rows.map(({ seq, data }) => [seq, new TextDecoder().decode(data)])).toEqual(
      Array.from({ length }, (_, at) => [at + 1, `${at}`]),
    );
  }
});

test("a history that the database has lost is never continued", async () => {
  const runId = await ownedRun("w");
  const commit = { runId, fence: 1, worker: "w" };
  await world.commit([{ ...commit, base: 0, rows: [bytes("1"), bytes("2"), bytes("3")] }]);
  await once((client) => client.query("DELETE FROM perdure.history WHERE run_id = $1 AND seq > 1", [runId]));
  for (const patch of [{}, { patch: { note: "n" } }, { patch: { status: "completed" } }] as const) {
    expect(await world.commit([{ ...commit, base: 3, rows: [bytes("4")], ...patch }])).toEqual([{ status: "behind" }]);
  }
  expect((await world.load(runId)).rows).toHaveLength(1);
});

test("a setup that waits for a server tells what for, without the password: SERVER_UNREACHED", async () => {
  const warnings = warningsOf("SERVER_UNREACHED");
  const nowhere = createPostgresWorld({ url: "postgres://user:secret@127.0.0.1:1/db", patienceMs: 60_000 });
  const opening = nowhere.setup().catch((reason: unknown) => reason);
  await expect.poll(() => warnings).toHaveLength(1);
  expect(warnings.at(-1)!.message).toMatch(/^PostgreSQL at 127\.0\.0\.1:1 is not there yet \(.*ECONNREFUSED.*\)\. setup\(\) goes on/);
  expect(warnings.at(-1)!.message).not.toContain("secret");
  await nowhere.close();
  expect(await opening).toMatchObject({ code: "WORLD_CLOSED" });
});

test("a server that is not there is named as such, without the password", async () => {
  const nowhere = createPostgresWorld({ url: "postgres://user:secret@127.0.0.1:1/db", patienceMs: 200 });
  const error: unknown = await nowhere.setup().catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code: "WORLD_UNAVAILABLE", message: expect.stringContaining("ECONNREFUSED") });
  expect(String(error)).not.toContain("secret");
  await nowhere.close();
});
