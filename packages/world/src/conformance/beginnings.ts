import assert from "node:assert/strict";
import type { Beginning, CreatedRun } from "../index.ts";
import {
  bytes,
  type Case,
  claim,
  COMMITTED,
  commit,
  commitOf,
  historyOf,
  type Lab,
  mustCommit,
  newRun,
  type Owned,
  recordOf,
  start,
} from "./lab.ts";

/** A run that sleeps from its first turn on, and holds a hook. */
function beginning(token: string, rest: Beginning["patch"] = {}): Beginning {
  const hooks = [{ token, operation: "hook#1", metadata: bytes("meta") }];
  return { rows: [bytes("a")], patch: { dueAt: null, note: "waits", ...rest }, hooks };
}

async function begin(lab: Lab, what: Beginning): Promise<{ readonly result: CreatedRun; readonly owned: Owned }> {
  await lab.world.heartbeat("w1", lab.leaseMs);
  const run = newRun({ beginning: what, dueAt: 1 });
  const [result] = await lab.world.createRuns([run], { owner: "w1" });
  assert.equal(result!.created, true);
  return { result: result!, owned: { runId: run.id, fence: 1, worker: "w1" } };
}

/** What a World that took no notice of a beginning is told afterwards; one that has it knows it. */
const sameCommit = (owned: Owned, { patch = {}, hooks = [] }: Beginning): ReturnType<typeof commitOf> =>
  commitOf(owned, 0, ["a"], { patch, hooks });

export const beginnings: readonly Case[] = [
  {
    name: "a run is created with its first commit, or without it and then takes it; after it, the same again does no harm",
    async run(lab) {
      const what = beginning("token-1");
      const { result, owned } = await begin(lab, what);
      if (result.begun) assert.deepEqual(result.begun, COMMITTED);
      for (let time = result.begun ? 0 : 1; time < 3; time++) {
        if (time > 0) assert.deepEqual(await commit(lab.world, sameCommit(owned, what)), COMMITTED);
        assert.deepEqual(await historyOf(lab.world, owned.runId), ["a"]);
        const record = await recordOf(lab.world, owned.runId);
        assert.deepEqual([record.dueAt, record.note, record.owner, record.fence], [null, "waits", "w1", 1]);
        if (time === 0) assert.deepEqual(result.run, record);
        const hook = await lab.world.query.hook("token-1");
        assert.deepEqual([hook?.runId, hook?.operation], [owned.runId, "hook#1"]);
      }
      await mustCommit(lab.world, commitOf(owned, 1, ["b"]));
      assert.deepEqual(await historyOf(lab.world, owned.runId), ["a", "b"]);
    },
  },
  {
    name: "a run that begins with a token of another run is created, and told of the conflict",
    async run(lab) {
      const other = await start(lab, "w1");
      await mustCommit(lab.world, commitOf(other, 0, ["x"], { hooks: [{ token: "token-1", operation: "hook#7", metadata: null }] }));
      const what = beginning("token-1");
      const { result, owned } = await begin(lab, what);
      const told = result.begun ?? (await commit(lab.world, sameCommit(owned, what)));
      assert.deepEqual(told, { status: "committed", conflicts: ["hook#1"] });
      assert.deepEqual(await historyOf(lab.world, owned.runId), ["a"]);
      assert.equal((await lab.world.query.hook("token-1"))?.runId, other.runId);
    },
  },
  {
    name: "of a run that exists already nothing of the beginning is stored",
    async run(lab) {
      const owned = await start(lab, "w1", { key: "k" });
      for (const again of [newRun({ id: owned.runId }), newRun({ key: "k" })]) {
        const [result] = await lab.world.createRuns([{ ...again, beginning: beginning("token-1") }], { owner: "w1" });
        assert.deepEqual([result!.created, result!.begun], [false, undefined]);
      }
      assert.deepEqual(await historyOf(lab.world, owned.runId), []);
      assert.equal(await lab.world.query.hook("token-1"), null);
      await mustCommit(lab.world, commitOf(owned, 0, ["b"]));
    },
  },
  {
    name: "a run that is created and given back at once is anybody's, and its first commit is known",
    async run(lab) {
      const what = beginning("token-1", { dueAt: (await lab.world.now()) - 1, release: true });
      const { result, owned } = await begin(lab, what);
      if (result.begun) assert.deepEqual(result.begun, { ...COMMITTED, released: true });
      assert.deepEqual(await commit(lab.world, sameCommit(owned, what)), { ...COMMITTED, released: true });
      const { runs } = await claim(lab, "w2");
      assert.deepEqual(
        runs.map(({ run }) => [run.id, run.fence]),
        [[owned.runId, 2]],
      );
      assert.deepEqual(await historyOf(lab.world, owned.runId), ["a"]);
      assert.deepEqual(await commit(lab.world, commitOf(owned, 1, ["late"])), { status: "fenced" });
    },
  },
  {
    name: "without an owner there is no beginning",
    async run({ world }) {
      const run = newRun({ beginning: beginning("token-1") });
      const [result] = await world.createRuns([run]);
      assert.deepEqual([result!.created, result!.begun, result!.run.note], [true, undefined, null]);
      assert.deepEqual(await historyOf(world, run.id), []);
      assert.equal(await world.query.hook("token-1"), null);
    },
  },
  {
    name: "runs with and without beginnings are created together",
    async run(lab) {
      await lab.world.heartbeat("w1", lab.leaseMs);
      const specs = [
        newRun(),
        newRun({ beginning: beginning("token-1") }),
        newRun({ beginning: { rows: [bytes("x"), bytes("y")] } }),
        newRun(),
      ];
      const results = await lab.world.createRuns(specs, { owner: "w1" });
      assert.deepEqual(
        results.map(({ run, created }) => [run.id, created]),
        specs.map(({ id }) => [id, true]),
      );
      for (const [index, { run, begun }] of results.entries()) {
        const { rows = [] } = specs[index]!.beginning ?? {};
        assert.equal(begun !== undefined && rows.length === 0, false);
        assert.equal((await historyOf(lab.world, run.id)).length, begun ? rows.length : 0);
        assert.deepEqual(await recordOf(lab.world, run.id), run);
      }
    },
  },
];
