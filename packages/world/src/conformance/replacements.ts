import assert from "node:assert/strict";
import type { NewRun } from "../index.ts";
import {
  bytes,
  type Case,
  claim,
  commit,
  commitOf,
  create,
  historyOf,
  messageTo,
  mustCommit,
  newRun,
  recordOf,
  rejectsWith,
  settle,
  several,
  start,
  uuid,
} from "./lab.ts";

function successor(fields: Partial<NewRun> = {}): NewRun {
  return newRun({ key: "k", ifKeyExists: "replace", ...fields });
}

export const replacements: readonly Case[] = [
  {
    name: "a run that replaces another takes its key and ends it as cancelled, with its hooks and messages gone",
    async run(lab) {
      const { world } = lab;
      const old = await start(lab, "w1", { key: "k", attributes: { plan: "pro" } });
      await mustCommit(world, commitOf(old, 0, ["a"], { hooks: [{ token: "t", operation: "op", metadata: null }] }));
      await world.deliver([messageTo(old.runId, "m")]);
      const before = await recordOf(world, old.runId);
      const spec = successor({ replaceOutput: bytes("out") });
      const [result] = await world.createRuns([spec], { owner: "w2" });
      assert.deepEqual([result!.created, result!.replaced, result!.run.id], [true, old.runId, spec.id]);
      assert.deepEqual([result!.run.key, result!.run.owner, result!.run.fence], ["k", "w2", 1]);
      const { endedAt, fence, ...run } = await recordOf(world, old.runId);
      assert.ok(endedAt !== null && fence > old.fence);
      const note = `replaced by ${spec.id}`;
      const ended = { key: null, status: "cancelled", output: bytes("out"), note, owner: null, dueAt: null };
      assert.deepEqual({ ...run, endedAt, fence }, { ...before, ...ended, endedAt, fence });
      assert.equal((await world.query.run({ key: "k" }))?.id, spec.id);
      const { rows, hooks, messages } = await world.load(old.runId);
      assert.deepEqual([rows.length, hooks, messages], [1, [], []]);
      assert.equal(await world.query.hook("t"), null);
    },
  },
  {
    name: "the former owner of a replaced run is fenced at its next commit, and nobody claims the run",
    async run(lab) {
      const { world } = lab;
      const old = await start(lab, "w1", { key: "k" });
      await mustCommit(world, commitOf(old, 0, ["a"]));
      await world.heartbeat("w2", lab.leaseMs);
      await world.createRuns([successor()], { owner: "w2" });
      for (const patch of [{ note: "late" }, { status: "cancelled" }, { status: "completed" }] as const) {
        assert.deepEqual(await commit(world, commitOf(old, 1, ["late"], { patch })), { status: "fenced" });
        assert.deepEqual(await commit(world, commitOf(old, 1, [], { patch })), { status: "fenced" });
      }
      assert.deepEqual((await claim(lab, "w3")).runs, []);
      assert.deepEqual(await historyOf(world, old.runId), ["a"]);
      assert.equal((await recordOf(world, old.runId)).output, null);
    },
  },
  {
    name: "a run that is over loses its key to the new one, and is otherwise as it was",
    async run(lab) {
      const { world } = lab;
      const old = await start(lab, "w1", { key: "k" });
      await mustCommit(world, commitOf(old, 0, ["a"], { patch: { status: "completed", output: bytes("out"), note: "n" } }));
      const before = await recordOf(world, old.runId);
      const spec = successor({ replaceOutput: bytes("other") });
      const [result] = await world.createRuns([spec]);
      assert.deepEqual([result!.created, result!.replaced], [true, old.runId]);
      assert.deepEqual(await recordOf(world, old.runId), { ...before, key: null });
      assert.equal((await world.query.run({ key: "k" }))?.id, spec.id);
    },
  },
  {
    name: "without another run under the key, or without a key, a run that replaces is like any other",
    async run({ world }) {
      const [free, keyless] = [successor(), successor({ key: null })];
      for (const { created, replaced } of await world.createRuns([free, keyless, { ...keyless, id: uuid() }])) {
        assert.deepEqual([created, replaced], [true, null]);
      }
      assert.equal((await world.query.run({ key: "k" }))?.id, free.id);
    },
  },
  {
    name: "the retry of a creation replaces nothing: the run is there by its id, also after another has replaced it (race 4)",
    async run(lab) {
      const { world } = lab;
      await create(world, { key: "k" });
      const [spec, later] = [successor(), successor()];
      await world.createRuns([spec], { owner: "w1" });
      const before = await recordOf(world, spec.id);
      assert.deepEqual(await world.createRuns([spec], { owner: "w1" }), [{ run: before, created: false, replaced: null }]);
      await world.createRuns([later]);
      const [again] = await world.createRuns([spec]);
      assert.deepEqual([again!.created, again!.replaced, again!.run.status, again!.run.key], [false, null, "cancelled", null]);
      assert.equal((await world.query.run({ key: "k" }))?.id, later.id);
      assert.equal((await recordOf(world, later.id)).status, "running");
    },
  },
  {
    name: "in one call runs are created one after another: each sees what became of the key before it",
    async run(lab) {
      const { world } = lab;
      const [one, two, three] = [newRun({ key: "k" }), successor(), newRun({ key: "k" })];
      const results = await world.createRuns([one, two, three]);
      assert.deepEqual(
        results.map(({ run, created, replaced }) => [run.id, created, replaced]),
        [
          [one.id, true, null],
          [two.id, true, one.id],
          [two.id, false, null],
        ],
      );
      assert.equal((await recordOf(world, one.id)).note, `replaced by ${two.id}`);
    },
  },
  {
    name: "a creation that is refused replaces nothing",
    async run({ world }) {
      const old = await create(world, { key: "k" });
      const bad = [
        newRun({ key: "" }),
        successor({ ifKeyExists: "take" as "replace" }),
        successor({ replaceOutput: "text" as unknown as Uint8Array }),
      ];
      for (const run of bad) await rejectsWith("WORLD_INVALID_ARGUMENT", world.createRuns([successor(), run]));
      assert.deepEqual(await recordOf(world, old.id), old);
    },
  },
  {
    name: "watchers are told that a replaced run has ended",
    async run({ world }) {
      const old = await create(world, { key: "k" });
      const heard: string[] = [];
      const unwatch = world.watch((hint) => {
        if (hint.kind === "ended") heard.push(hint.runId);
      });
      await world.createRuns([successor()]);
      await settle(() => heard.includes(old.id));
      unwatch();
    },
  },
  {
    name: "many that replace one another at the same time form a chain: one is open and has the key, each other was replaced once",
    async run(lab) {
      const worlds = await several(lab, 4);
      const specs = Array.from({ length: 24 }, () => successor());
      const results = (await Promise.all(specs.map((spec, index) => worlds[index % 4]!.createRuns([spec])))).flat();
      assert.ok(results.every(({ created }) => created));
      const replaced = results.flatMap((result) => result.replaced ?? []);
      assert.equal(replaced.length, 23);
      assert.equal(new Set(replaced).size, 23);
      const holder = await lab.world.query.run({ key: "k" });
      assert.ok(holder !== null && !replaced.includes(holder.id));
      const { runs } = await lab.world.query.runs({ status: "running" });
      assert.deepEqual(runs, [holder]);
    },
  },
  {
    name: "a replacement races the commits and the end of the run that it replaces (race 1)",
    async run(lab) {
      const { world } = lab;
      const other = await lab.open();
      const keyed = await Promise.all(Array.from({ length: 20 }, (_, index) => start(lab, "w1", { key: `k${index}` })));
      const ends = keyed.map((one, index) => {
        const rows = index % 2 === 0 ? ["end"] : [];
        return commit(world, commitOf(one, 0, rows, { patch: { status: "completed", note: "own" } }));
      });
      const taken = keyed.map((_, index) => other.createRuns([successor({ key: `k${index}` })]));
      const results = await Promise.all(ends);
      for (const [index, [result]] of (await Promise.all(taken)).entries()) {
        const { runId } = keyed[index]!;
        assert.equal(result!.replaced, runId);
        const { key, status, note } = await recordOf(world, runId);
        const own = results[index]!.status === "committed";
        const replaced = `replaced by ${result!.run.id}`;
        assert.deepEqual([key, status, note], own ? [null, "completed", "own"] : [null, "cancelled", replaced]);
      }
    },
  },
];
