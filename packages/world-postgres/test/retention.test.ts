import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { RunStatus, World } from "@perdure/world";
import { query } from "../../../scripts/postgres.mjs";
import { testPostgres } from "../../../scripts/test-servers.mjs";
import { createPostgresWorld } from "../src/index.ts";
import { bytes, newRun } from "./support/runs.ts";
import { warningsOf } from "./support/warnings.ts";

const url = await testPostgres();
const admin = new pg.Client(url);

beforeAll(async () => admin.connect());
afterAll(async () => admin.end());

/** A run with all that a run can have. */
async function fullRun(world: World, key: string): Promise<string> {
  const run = newRun({ key, attributes: { a: 1 } });
  await world.createRuns([run], { owner: "w" });
  const commit = { runId: run.id, fence: 1, worker: "w" };
  const hooks = [{ token: `token ${key}`, operation: "hook", metadata: null }];
  await world.commit([
    {
      ...commit,
      base: 0,
      rows: [bytes("row")],
      hooks,
      state: [{ key: "s", value: bytes("state") }],
      chunks: [{ name: "out", data: bytes("chunk") }],
    },
  ]);
  await world.streams.append([{ runId: run.id, name: "out", chunks: [bytes("more")], writer: { id: "writer", from: 0 } }]);
  await world.deliver([{ id: "m", to: { runId: run.id }, kind: "wake", payload: bytes("m") }]);
  return run.id;
}

async function rowsOf(runIds: readonly string[]): Promise<number> {
  const tables = ["history", "messages", "hooks", "attributes", "state", "streams", "transactions"];
  const counts = [
    ...tables.map((table) => `SELECT count(*) FROM perdure.${table} WHERE run_id = ANY($1)`),
    "SELECT count(*) FROM perdure.runs WHERE id = ANY($1)",
  ];
  const { rows } = await admin.query(`SELECT (${counts.join(") + (")}) AS n`, [runIds]);
  return Number(rows[0].n);
}

test("runs go when their time has come, with all that they had; others stay", async () => {
  const world = createPostgresWorld({ url, retentionMs: { completed: 0, cancelled: 3_600_000 } });
  await world.setup();
  const runs: Partial<Record<RunStatus | "open", string>> = {};
  for (const status of ["completed", "failed", "cancelled"] as const) {
    const runId = (runs[status] = await fullRun(world, status));
    await admin.query("INSERT INTO perdure.transactions (run_id, operation, name) VALUES ($1, 'op', '#1')", [runId]);
    await world.commit([{ runId, fence: 1, worker: "w", base: 1, rows: [bytes("end")], patch: { status, output: bytes("out") } }]);
  }
  runs.open = await fullRun(world, "open");
  const before = await rowsOf([runs.failed!, runs.cancelled!, runs.open]);

  await world.heartbeat("w", 60_000); // a process with a worker
  await expect.poll(() => world.query.run({ id: runs.completed! })).toBeNull();
  expect(await rowsOf([runs.completed!])).toBe(0);
  expect(await rowsOf([runs.failed!, runs.cancelled!, runs.open])).toBe(before);
  const { rows } = await admin.query(
    "SELECT (SELECT count(*) FROM perdure.chunks) = 2 * (SELECT count(*) FROM perdure.streams) AS whole, (SELECT count(*)::int FROM perdure.stream_writers) AS writers",
  );
  expect(rows).toEqual([{ whole: true, writers: 3 }]);
  await world.createRuns([newRun({ key: "completed" })]);
  await world.close();
});

test("a database that refuses to remove runs is told of once, and nothing else fails: RETENTION_FAILED", async () => {
  const own = await testPostgres();
  const worlds = [1, 2].map(() => createPostgresWorld({ url: own, retentionMs: { failed: 0 } }));
  for (const world of worlds) await world.setup();
  await query(own, "ALTER TABLE perdure.runs RENAME COLUMN ended_at TO over_at");
  const warnings = warningsOf("RETENTION_FAILED");
  for (const world of worlds) await world.heartbeat("w", 60_000);
  // Each has a connection of its own, whose last statement was refused.
  const refused = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle' AND query LIKE '%ORDER BY ended_at%'";
  await expect.poll(async () => (await query(own, refused)).length).toBe(2);
  await expect.poll(() => warnings.length).toBeGreaterThan(0);
  await new Promise((resolve) => setTimeout(resolve, 100)); // a second one would be here by then
  expect(warnings).toMatchObject([{ message: expect.stringMatching(/column "ended_at" does not exist.* stay/) as string }]);
  for (const world of worlds) {
    await world.heartbeat("w", 60_000);
    await world.close();
  }
});

test("a rule that makes no sense is refused", () => {
  for (const retentionMs of [{ running: 5 }, { completed: -1 }, { failed: Number.NaN }] as object[]) {
    expect(() => createPostgresWorld({ url, retentionMs })).toThrow(expect.objectContaining({ code: "WORLD_INVALID_ARGUMENT" }));
  }
});
