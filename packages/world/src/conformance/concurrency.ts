import assert from "node:assert/strict";
import type { World } from "../index.ts";
import {
  append,
  bytes,
  type Case,
  commitOf,
  create,
  historyOf,
  type Lab,
  mustCommit,
  newRun,
  type Owned,
  recordOf,
  several,
  start,
  startMany,
} from "./lab.ts";

export const concurrency: readonly Case[] = [
  {
    name: "workers that claim at the same time never get the same run",
    async run(lab) {
      const worlds = await several(lab, 4);
      await lab.world.createRuns(Array.from({ length: 60 }, () => newRun()));
      const owners = new Map<string, string>();
      const work = async (world: World, worker: string): Promise<void> => {
        for (;;) {
          const { runs } = await world.claim({ worker, limit: 3, leaseMs: lab.leaseMs });
          if (runs.length === 0) return;
          for (const { run } of runs) {
            assert.ok(!owners.has(run.id), "claimed once");
            owners.set(run.id, worker);
          }
        }
      };
      await Promise.all(worlds.map((world, index) => work(world, `w${index}`)));
      assert.equal(owners.size, 60);
    },
  },
  {
    name: "runs created at the same time under one key are one run",
    async run(lab) {
      const worlds = await several(lab, 4);
      const results = await Promise.all(Array.from({ length: 16 }, (_, index) => worlds[index % 4]!.createRuns([newRun({ key: "k" })])));
      const runs = results.flat();
      assert.equal(runs.filter(({ created }) => created).length, 1);
      assert.equal(new Set(runs.map(({ run }) => run.id)).size, 1);
    },
  },
  {
    name: "of 50 that create a run under one key at the same time exactly one creates it",
    async run(lab) {
      const worlds = await several(lab, 5);
      const creations = Array.from({ length: 50 }, (_, index) =>
        worlds[index % 5]!.createRuns([newRun({ key: "k", ifKeyExists: "return" })], { owner: `w${index}` }),
      );
      const results = (await Promise.all(creations)).flat();
      const winners = results.filter(({ created }) => created);
      assert.equal(winners.length, 1);
      assert.deepEqual(new Set(results.map(({ run }) => run.id)), new Set([winners[0]!.run.id]));
      assert.deepEqual(
        (await lab.world.query.runs()).runs.map(({ id }) => id),
        [winners[0]!.run.id],
      );
    },
  },
  {
    name: "a message delivered at the same time by many is delivered once",
    async run(lab) {
      const worlds = await several(lab, 4);
      const run = await create(lab.world);
      const message = { id: "m", to: { runId: run.id }, kind: "wake", payload: bytes("p") };
      const results = await Promise.all(Array.from({ length: 16 }, (_, index) => worlds[index % 4]!.deliver([message])));
      assert.equal(results.flat().filter(({ status }) => status === "delivered").length, 1);
      assert.equal((await lab.world.load(run.id)).messages.length, 1);
    },
  },
  {
    name: "a token that many want at the same time goes to one",
    async run(lab) {
      const worlds = await several(lab, 4);
      const owned = await startMany(lab, "w1", 12);
      const hooks = [{ token: "t", operation: "op", metadata: null }];
      const results = await Promise.all(owned.map((one, index) => worlds[index % 4]!.commit([commitOf(one, 0, ["a"], { hooks })])));
      const winners = results.flat().filter((result) => result.status === "committed" && result.conflicts.length === 0);
      assert.equal(winners.length, 1);
    },
  },
  {
    name: "of several retries of one commit at the same time one lands, and all are told that it did",
    async run(lab) {
      const worlds = await several(lab, 4);
      const owned = await start(lab, "w1");
      for (let base = 0; base < 5; base++) {
        const results = await Promise.all(worlds.map((world) => world.commit([commitOf(owned, base, [`row ${base}`])])));
        assert.ok(results.flat().every(({ status }) => status === "committed"));
        assert.equal((await historyOf(lab.world, owned.runId)).length, base + 1);
      }
    },
  },
  {
    name: "appends to one stream at the same time interleave without loss or hole",
    async run(lab) {
      const worlds = await several(lab, 4);
      const stream = { runId: (await create(lab.world)).id, name: "out" };
      const first = await Promise.all(
        Array.from({ length: 20 }, (_, index) => append(worlds[index % 4]!, stream, [`${index}a`, `${index}b`])),
      );
      assert.deepEqual(
        [...first].sort((a, b) => a - b),
        Array.from({ length: 20 }, (_, index) => index * 2),
      );
      const { chunks } = await lab.world.streams.read(stream, 0);
      for (const [index, at] of first.entries()) {
        assert.deepEqual([chunks[at], chunks[at + 1]], [bytes(`${index}a`), bytes(`${index}b`)]);
      }
    },
  },
  {
    name: "messages delivered while their run's owner commits are each consumed once, and the run ends when it has read all",
    async run(lab) {
      const worlds = await several(lab, 3);
      const owned = await start(lab, "w1");
      const send = async (world: World, from: number): Promise<void> => {
        for (let index = from; index < from + 10; index++) {
          await world.deliver([{ id: `m${index}`, to: { runId: owned.runId }, kind: "wake", payload: bytes("p") }]);
        }
      };
      const [, , read] = await Promise.all([send(worlds[1]!, 0), send(worlds[2]!, 10), readAll(lab, owned, 20)]);
      assert.deepEqual([...read].sort(), Array.from({ length: 20 }, (_, index) => `m${index}`).sort());
      assert.equal(new Set(read).size, 20);
      assert.equal((await recordOf(lab.world, owned.runId)).status, "completed");
    },
  },
];

async function readAll(lab: Lab, owned: Owned, count: number): Promise<string[]> {
  const read: string[] = [];
  for (let base = 0; read.length < count;) {
    const { messages } = await lab.world.claim({ worker: owned.worker, limit: 0, leaseMs: lab.leaseMs });
    if (messages.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    for (const { id } of messages) {
      const last = read.length + 1 === count;
      const patch = last ? ({ status: "completed" } as const) : { dueAt: null };
      await mustCommit(lab.world, commitOf(owned, base++, [id], { consumed: [id], patch }));
      read.push(id);
    }
  }
  return read;
}
