import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Commit, CommitResult, World } from "@perdure/world";
import { testPostgres } from "../../../scripts/test-servers.mjs";
import { createPostgresWorld } from "../src/index.ts";
import { randomOf } from "./support/random.ts";
import { bytes, newRun } from "./support/runs.ts";

const url = await testPostgres();
const worlds: World[] = [];

/** Worlds as different processes have them: nothing is shared but the database. */
beforeAll(async () => {
  for (let index = 0; index < 3; index++) worlds.push(createPostgresWorld({ url, connections: 4 }));
  await Promise.all(worlds.map((world) => world.setup()));
});

afterAll(async () => {
  for (const world of worlds) await world.close();
});

const moment = (ms: number): Promise<void> => new Promise((resolve) => (ms < 0.2 ? setImmediate(resolve) : setTimeout(resolve, ms)));

test("10,000 times a late commit meets a claim: who loads behind the claim sees the commit, or the commit is fenced", async () => {
  const [late, next] = worlds as [World, World];
  const [rounds, runsPerRound] = [200, 50];
  const random = randomOf(20_261_126);
  const seen = { committed: 0, fenced: 0 };
  for (let round = 0; round < rounds; round++) {
    const worker = `late ${round}`;
    // A lease that is over, as after a pause that was too long.
    const created = await late.createRuns(
      Array.from({ length: runsPerRound }, () => newRun()),
      { owner: worker },
    );
    const commits = created.map(({ run }): Commit => ({
      runId: run.id,
      fence: 1,
      worker,
      base: 0,
      rows: [bytes("late")],
      patch: { note: "late" },
    }));
    const bare = commits.map((commit): Commit => ({ runId: commit.runId, fence: 1, worker, base: 0, rows: commit.rows }));
    const committing = moment(random() * 4).then(() => late.commit(round % 2 === 0 ? commits : bare));
    const { runs } = await next.claim({ worker: "next", limit: 1000, leaseMs: 60_000 });
    const loaded = new Map(await Promise.all(runs.map(async ({ run }) => [run.id, (await next.load(run.id)).rows.length] as const)));
    const results = await committing;
    for (const [index, { run }] of created.entries()) check(results[index]!, loaded.get(run.id), seen);
    await next.commit(
      runs.map(({ run }) => ({
        runId: run.id,
        fence: run.fence,
        worker: "next",
        base: loaded.get(run.id)!,
        rows: [],
        patch: { status: "completed" },
      })),
    );
  }
  expect(seen.committed + seen.fenced).toBe(10_000);
  expect(seen.committed).toBeGreaterThan(100);
  expect(seen.fenced).toBeGreaterThan(100);
}, 300_000);

/** @param loaded the length of the history behind the claim; undefined: the claim skipped the run, for the commit held it */
function check(result: CommitResult, loaded: number | undefined, seen: { committed: number; fenced: number }): void {
  if (result.status === "committed") {
    seen.committed++;
    expect(loaded ?? 1).toBe(1);
  } else {
    seen.fenced++;
    expect([result.status, loaded]).toEqual(["fenced", 0]);
  }
}

test("1,000 times two processes start a run with the same key, deliver one payload and end the run: one winner each, and the loser is told", async () => {
  const [one, other] = worlds as [World, World];
  for (let round = 0; round < 1000; round += 20) {
    await Promise.all(Array.from({ length: 20 }, (_, index) => compete(one, other, `key ${round + index}`)));
  }
}, 300_000);

async function compete(one: World, other: World, key: string): Promise<void> {
  const created = await Promise.all([one, other].map((world) => world.createRuns([newRun({ key })])));
  const [first, second] = created.map(([result]) => result!);
  expect([first!.created, second!.created].toSorted()).toEqual([false, true]);
  expect(first!.run.id).toBe(second!.run.id);
  const runId = first!.run.id;

  const worker = `owner of ${key}`;
  await one.heartbeat(worker, 60_000);
  const [owned] = await one.createRuns([newRun()], { owner: worker });
  const token = `token of ${key}`;
  const hooks = [{ token, operation: "hook", metadata: null }];
  await one.commit([{ runId: owned!.run.id, fence: 1, worker, base: 0, rows: [bytes("hook")], hooks, patch: { dueAt: null } }]);
  const message = { id: "payload", to: { token }, kind: "hook", payload: bytes("payload") };
  const deliveries = await Promise.all([one, other].map((world) => world.deliver([message])));
  expect(deliveries.map(([delivery]) => delivery!.status).toSorted()).toEqual(["delivered", "duplicate"]);
  expect((await one.load(owned!.run.id)).messages).toHaveLength(1);

  const ends = await Promise.all(
    [one, other].map((world, index) => world.end(runId, { status: "cancelled", output: bytes(String(index)), note: null })),
  );
  expect(ends.toSorted()).toEqual(["already", "ended"]);
  const run = await one.query.run({ id: runId });
  expect(new TextDecoder().decode(run!.output!)).toBe(String(ends.indexOf("ended")));
}

test("20 processes that set up at once make one schema", async () => {
  const fresh = await testPostgres();
  const many = Array.from({ length: 20 }, () => createPostgresWorld({ url: fresh, schema: "Several Apps", connections: 1 }));
  await Promise.all(many.map((world) => world.setup()));
  await many[0]!.createRuns([newRun({ key: "k" })]);
  expect((await many[19]!.query.run({ key: "k" }))?.status).toBe("running");
  await Promise.all(many.map((world) => world.close()));
});

test("a schema of a newer release is refused and left as it is", async () => {
  const fresh = await testPostgres();
  const world = createPostgresWorld({ url: fresh });
  await world.setup();
  await world.close();
  const client = new pg.Client(fresh);
  await client.connect();
  await client.query("INSERT INTO perdure.versions (version) VALUES (1000)");
  await expect(createPostgresWorld({ url: fresh }).setup()).rejects.toMatchObject({ code: "WORLD_NEWER" });
  await client.query("DELETE FROM perdure.versions WHERE version = 1000; DROP SCHEMA perdure CASCADE");
  await expect(createPostgresWorld({ url: fresh, migrate: false }).setup()).rejects.toMatchObject({ code: "WORLD_UNAVAILABLE" });
  await client.end();
});
