// A process that is stopped in the middle of a transaction keeps nobody from its runs, and when it goes on it has lost no call.

import { Client } from "pg";
import { describe, expect, onTestFinished, test } from "vitest";
import type { World } from "@perdure/world";
import { hasTestPostgres, testPostgres } from "../../../scripts/test-servers.mjs";
import { createPostgresWorldOn } from "../src/postgres-world.ts";
import { startProxy } from "./support/proxy.ts";
import { bytes, commitOf, newRun } from "./support/runs.ts";

/** A World of a process that can be stopped, and another one's. Transactions may be idle for `idleMs`. */
async function scene(idleMs: number) {
  const url = await testPostgres();
  let stopsAt = Infinity;
  const proxy = await startProxy(url, (_, place) => {
    if (place === stopsAt) proxy.freeze();
    return "none";
  });
  const options = { notify: false, stuckMs: 0 };
  const stopped = createPostgresWorldOn({ url: proxy.url, ...options }, { idleMs });
  const other = createPostgresWorldOn({ url, ...options }, {});
  for (const world of [stopped, other]) await world.setup();
  onTestFinished(async () => {
    await proxy.close();
    for (const world of [stopped, other]) await world.close();
  });
  return {
    url,
    stopped,
    other,
    /** From now on the process stops when a transaction sends the statement at this place. */
    stopAt: (place: number) => void (stopsAt = place),
    goOn() {
      stopsAt = Infinity;
      proxy.thaw();
    },
  };
}

interface Case {
  call(world: World, id: string): Promise<unknown>;
  /** The statement that is the last to arrive; the one before has locked the run. */
  readonly place: number;
  answer(id: string): unknown;
  readonly note: string | null;
}

const calls: Record<string, Case> = {
  "a commit with a child and a message": {
    call: async (world, id) =>
      world.commit([
        commitOf(id, "w", 0, { runs: [newRun()], messages: [{ id: "m", to: { runId: id }, kind: "wake", payload: bytes("m") }] }),
      ]),
    place: 3,
    answer: () => [{ status: "fenced" }],
    note: null,
  },
  "a delivery": {
    call: async (world, id) => world.deliver([{ id: "m", to: { runId: id }, kind: "wake", payload: bytes("m") }]),
    place: 2,
    answer: (runId) => [{ status: "delivered", runId }],
    note: null,
  },
  "an end": {
    call: async (world, id) => world.end(id, { status: "cancelled", output: null, note: "enough" }),
    place: 3,
    answer: () => "ended",
    note: "enough",
  },
  "a replacement": {
    call: async (world, id) =>
      (await world.createRuns([newRun({ key: "k", ifKeyExists: "replace" })])).map(({ replaced }) => replaced === id),
    place: 4,
    answer: () => [true],
    note: "replaced by ",
  },
};

describe.runIf(hasTestPostgres()).each(Object.entries(calls))(
  "a process that is stopped in the middle of %s",
  (_, { call, place, answer, note }) => {
    test("keeps its run for no longer than the server lets a transaction be idle", { timeout: 120_000 }, async () => {
      const { stopped, other, stopAt, goOn } = await scene(500);
      await stopped.heartbeat("w", 100);
      const run = newRun({ key: "k" });
      await stopped.createRuns([run], { owner: "w" });
      stopAt(place);
      const called = call(stopped, run.id);
      const claimed = async (): Promise<string[]> =>
        (await other.claim({ worker: "v", limit: 10, leaseMs: 60_000 })).runs.map((one) => one.run.id);
      await expect.poll(claimed, { timeout: 25_000 }).toEqual([run.id]);
      expect((await other.load(run.id)).rows).toEqual([]);
      goOn();
      expect(await called).toEqual(answer(run.id));
      const now = await other.query.run({ id: run.id });
      expect(now?.fence).toBeGreaterThan(1);
      if (note === null) expect(now?.note).toBeNull();
      else expect(now?.note).toContain(note);
    });
  },
);

test.runIf(hasTestPostgres())(
  "a process that is stopped before a commit which cannot be done twice does it once",
  { timeout: 120_000 },
  async () => {
    const { url, stopped, stopAt, goOn } = await scene(500);
    const run = newRun();
    await stopped.createRuns([run]);
    const direct = new Client(url);
    await direct.connect();
    onTestFinished(() => direct.end());
    const idle = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle in transaction'";
    const open = async (): Promise<number | null> => (await direct.query(idle)).rowCount;
    stopAt(4); // BEGIN, the run, the stream, its chunks, its length, COMMIT
    const called = stopped.streams.append([{ runId: run.id, name: "out", chunks: [bytes("1")] }]);
    await expect.poll(open, { timeout: 25_000, interval: 10 }).toBe(1);
    await expect.poll(open, { timeout: 25_000 }).toBe(0);
    goOn();
    expect(await called).toEqual([{ status: "appended", added: 1, length: 1 }]);
  },
);
