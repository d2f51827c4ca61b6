import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Commit, World } from "@perdure/world";
import { testPostgres } from "../../../scripts/test-servers.mjs";
import { createPostgresWorld } from "../src/index.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

let statements = 0;
/** Counts what is sent. */
class CountingClient extends pg.Client {
  override query(...args: unknown[]): never {
    statements++;
    return (super.query as (...args: unknown[]) => unknown).apply(this, args) as never;
  }
}

let pool: pg.Pool;
let world: World;
beforeAll(async () => {
  pool = new pg.Pool({ connectionString: await testPostgres(), Client: CountingClient as never });
  world = createPostgresWorld({ pool, notify: false });
  await world.setup();
  await world.heartbeat("w", 600_000);
});
afterAll(async () => {
  await world.close();
  await pool.end();
});

/** A run of the worker's with a message that waits and a hook. */
async function newRun(): Promise<string> {
  const id = world.newRunId!();
  await world.createRuns([{ id, key: null, workflowId: "app#order", version: "v1", input: bytes("input"), dueAt: null }], { owner: "w" });
  const hooks = [{ token: `held by ${id}`, operation: "held", metadata: null }];
  await world.commit([{ runId: id, worker: "w", fence: 1, base: 0, rows: [bytes("first")], hooks }]);
  await world.deliver([{ id: "m", to: { runId: id }, kind: "wake", payload: bytes("p") }]);
  return id;
}

const row = [bytes("row")];
const nothing = { hooks: [], disposedHooks: [], consumed: [], state: [], messages: [], runs: [], awaits: [], chunks: [] };
const shapes: Record<string, (id: string) => Partial<Commit>> = {
  "nothing, which only asks whose the run is": () => ({ rows: [] }),
  "a row": () => ({}),
  "rows and empty lists": () => ({ ...nothing, rows: [...row, ...row] }),
  "when to go on and what it waits for": () => ({ patch: { dueAt: 10 ** 13, note: "sleeps" } }),
  "a hook": (id) => ({ hooks: [{ token: `new of ${id}`, operation: "new", metadata: null }], disposedHooks: [] }),
  "a message that is consumed": () => ({ consumed: ["m"] }),
  "state, one key of it twice": () => ({
    state: [
      { key: "progress", value: bytes("1") },
      { key: "other", value: bytes("x") },
      { key: "progress", value: bytes("2") },
    ],
  }),
  "a hook that is disposed": () => ({ disposedHooks: ["held"] }),
  "an end": () => ({ consumed: ["m"], patch: { status: "completed", output: bytes("done"), note: null } }),
};

const commitOf = (id: string, shape: string): Commit => ({ runId: id, worker: "w", fence: 1, base: 1, rows: row, ...shapes[shape]!(id) });

test.each(Object.keys(shapes))("a commit of %s is one statement", async (shape) => {
  const id = await newRun();
  statements = 0;
  expect(await world.commit([commitOf(id, shape)])).toEqual([{ status: "committed", conflicts: [] }]);
  expect(statements).toBe(1);
  if (!shape.startsWith("state")) return;
  const progress = { key: "progress", value: bytes("2"), version: 2 };
  expect(await world.query.state(id)).toEqual(expect.arrayContaining([progress, { key: "other", value: bytes("x"), version: 1 }]));
});

test("and so is a batch of all of them", async () => {
  const commits: Commit[] = [];
  for (const shape of Object.keys(shapes)) commits.push(commitOf(await newRun(), shape));
  statements = 0;
  expect(await world.commit(commits)).toEqual(commits.map(() => ({ status: "committed", conflicts: [] })));
  expect(statements).toBe(1);
});
