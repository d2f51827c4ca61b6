import assert from "node:assert/strict";
import type { Commit } from "../index.ts";
import {
  childOf,
  answersOf,
  awaitKey,
  awaitOf,
  bytes,
  type Case,
  claimOne,
  commit,
  commitOf,
  COMMITTED,
  continueAs,
  create,
  DONE,
  mustCommit,
  type Owned,
  recordOf,
  several,
  SLEEP,
  sleeperThatAwaits,
  start,
  startMany,
  takeOver,
  uuid,
  waitingOf,
} from "./lab.ts";

/** Which runs a run awaits, and when it no longer does. */
export const awaits: readonly Case[] = [
  {
    name: "a key names the run that has it when the commit is applied, also when another one takes the key later",
    async run(lab) {
      const { world } = lab;
      const first = await create(world, { key: "k" });
      const owned = await sleeperThatAwaits(lab, "w1", awaitKey("k"));
      const second = await create(world, { key: "k", ifKeyExists: "replace" });
      assert.deepEqual(await answersOf(lab, owned.runId), ["op cancelled\n"]);
      assert.deepEqual([(await recordOf(world, first.id)).status, (await recordOf(world, second.id)).status], ["cancelled", "running"]);
    },
  },
  {
    name: "a run that the same commit starts can be awaited, by id and by key, and so can the one that had its key",
    async run(lab) {
      const { world } = lab;
      const holder = await create(world, { key: "held" });
      const owned = await start(lab, "w1");
      const runs = [childOf(owned, { key: "new" }), childOf(owned, { key: "held" })];
      const awaits = [awaitOf(runs[0]!.id, "id"), awaitKey("new", "key"), awaitKey("held", "held"), awaitOf(runs[1]!.id, "not created")];
      const existing = [{ id: runs[1]!.id, runId: holder.id }];
      const result = await commit(world, commitOf(owned, 0, ["a"], { runs, awaits, ...SLEEP }));
      assert.deepEqual(result, { ...COMMITTED, existing });
      assert.deepEqual(await answersOf(lab, owned.runId), ["not created not_found\n"]);
      for (const id of [holder.id, runs[0]!.id]) await world.end(id, { status: "cancelled", output: bytes("x"), note: null });
      const answers = ["not created not_found\n", "held cancelled\nx", "id cancelled\nx", "key cancelled\nx"];
      assert.deepEqual(await answersOf(lab, owned.runId), answers);
    },
  },
  {
    name: "a commit that is fenced, behind or failed awaits nothing",
    async run(lab) {
      const { world } = lab;
      const [fenced, behind, failed, awaited] = (await startMany(lab, "w1", 4)) as [Owned, Owned, Owned, Owned];
      const awaits = [awaitOf(awaited.runId), awaitOf(uuid(), "no run")];
      const hooks = [{ token: "", operation: "op", metadata: null }];
      const refused = [
        commitOf({ ...fenced, fence: 7 }, 0, ["x"], { awaits }),
        commitOf(behind, 3, ["x"], { awaits }),
        commitOf(failed, 0, ["x"], { awaits, hooks }),
      ];
      assert.deepEqual(
        (await world.commit(refused)).map(({ status }) => status),
        ["fenced", "behind", "failed"],
      );
      await mustCommit(world, commitOf(awaited, 0, ["a"], DONE));
      for (const { runId } of [fenced, behind, failed]) assert.deepEqual(await waitingOf(world, runId), []);
    },
  },
  {
    name: "an operation awaits one run, once: the first one, also after it has answered",
    async run(lab) {
      const { world } = lab;
      const [first, second, third] = (await startMany(lab, "w2", 3)) as [Owned, Owned, Owned];
      const owned = await sleeperThatAwaits(lab, "w1", awaitOf(first.runId), awaitOf(second.runId));
      await mustCommit(world, commitOf(second, 0, ["a"], DONE));
      assert.deepEqual(await waitingOf(world, owned.runId), []);
      await mustCommit(world, commitOf(first, 0, ["a"], { patch: { status: "failed" } }));
      assert.deepEqual(await answersOf(lab, owned.runId), ["op failed\n"]);
      await mustCommit(world, commitOf(owned, 1, ["b"], { consumed: ["ended:op"], ...SLEEP, awaits: [awaitOf(third.runId)] }));
      await mustCommit(world, commitOf(owned, 2, ["c"], { awaits: [awaitOf(second.runId)], ...SLEEP }));
      await mustCommit(world, commitOf(third, 0, ["a"], DONE));
      assert.deepEqual([await waitingOf(world, owned.runId), (await recordOf(world, owned.runId)).dueAt], [[], null]);
    },
  },
  {
    name: "a commit without rows may await, and may be made again",
    async run(lab) {
      const { world } = lab;
      const [awaited, owned] = [await start(lab, "w2"), await start(lab, "w1")];
      const asks = commitOf(owned, 0, [], { ...SLEEP, awaits: [awaitOf(awaited.runId)] });
      for (let attempt = 0; attempt < 2; attempt++) await mustCommit(world, asks);
      await mustCommit(world, commitOf(awaited, 0, ["a"], DONE));
      await mustCommit(world, asks);
      assert.deepEqual(await answersOf(lab, owned.runId), ["op completed\nout"]);
    },
  },
  {
    name: "an await ends with the run that awaits, and the commit that ends a run awaits nothing",
    async run(lab) {
      const { world } = lab;
      const awaited = await start(lab, "w2");
      const owned = await sleeperThatAwaits(lab, "w1", awaitOf(awaited.runId));
      await mustCommit(world, commitOf(owned, 1, ["b"], { ...DONE, awaits: [awaitOf(awaited.runId, "late"), awaitOf(uuid(), "none")] }));
      const cancelled = await sleeperThatAwaits(lab, "w1", awaitOf(awaited.runId));
      await world.end(cancelled.runId, { status: "cancelled", output: null, note: null });
      const continued = await sleeperThatAwaits(lab, "w1", awaitOf(awaited.runId));
      const next = await continueAs(lab, continued, 1);
      const before = await recordOf(world, owned.runId);
      await mustCommit(world, commitOf(awaited, 0, ["a"], DONE));
      for (const { runId } of [owned, cancelled, continued, next]) assert.deepEqual(await waitingOf(world, runId), []);
      assert.deepEqual(await recordOf(world, owned.runId), before);
    },
  },
  {
    name: "an end and an await in one batch meet, whichever comes first",
    async run(lab) {
      const { world } = lab;
      for (const order of ["end first", "await first"]) {
        const [parent, child] = (await startMany(lab, "w1", 2)) as [Owned, Owned];
        const asks = commitOf(parent, 0, ["a"], { ...SLEEP, awaits: [awaitOf(child.runId)] });
        const ends = commitOf(child, 0, ["a"], DONE);
        const batch = order === "end first" ? [ends, asks] : [asks, ends];
        for (let attempt = 0; attempt < 2; attempt++) assert.deepEqual(await world.commit(batch), [COMMITTED, COMMITTED]);
        assert.deepEqual(await answersOf(lab, parent.runId), ["op completed\nout"]);
        assert.ok((await recordOf(world, parent.runId)).dueAt !== null, order);
      }
    },
  },
  {
    name: "a run that would go to sleep in the batch that ends the awaited one stays due, and one that ends in it hears nothing",
    async run(lab) {
      const { world } = lab;
      for (const end of [false, true]) {
        for (const first of [false, true]) {
          const child = await start(lab, "w1");
          const parent = await sleeperThatAwaits(lab, "w1", awaitOf(child.runId));
          const ends = commitOf(child, 0, ["a"], DONE);
          const goes = commitOf(parent, 1, ["b"], end ? DONE : SLEEP);
          await world.commit(first ? [ends, goes] : [goes, ends]);
          assert.deepEqual(await waitingOf(world, parent.runId), end ? [] : ["ended:op"]);
          assert.equal((await recordOf(world, parent.runId)).dueAt === null, end);
        }
      }
    },
  },
  {
    name: "an await that no World may store fails its commit alone",
    async run(lab) {
      const { world } = lab;
      const [owned, other] = (await startMany(lab, "w1", 2)) as [Owned, Owned];
      const bad = [awaitOf(uuid(), ""), awaitOf(uuid(), "o".repeat(507)), awaitOf(7 as unknown as string), awaitKey(""), awaitKey("a\0b")];
      for (const one of bad) {
        const awaits = [awaitOf(uuid(), "good"), one];
        const results = await world.commit([commitOf(owned, 0, ["x"], { awaits }), commitOf(other, 0, [])]);
        assert.deepEqual(
          results.map(({ status }) => status),
          ["failed", "committed"],
        );
      }
      assert.deepEqual(await waitingOf(world, owned.runId), []);
      const longest = "o".repeat(506);
      await mustCommit(world, commitOf(owned, 0, ["x"], { awaits: [awaitOf(uuid(), longest)] }));
      await mustCommit(world, commitOf(owned, 1, ["x"], { consumed: [`ended:${longest}`] }));
      assert.deepEqual(await waitingOf(world, owned.runId), []);
    },
  },
  {
    name: "an await outlives its run's owner, and the owner of the awaited run",
    async run(lab) {
      const { world } = lab;
      const parent = await start(lab, "w1");
      const child = childOf(parent);
      await mustCommit(world, commitOf(parent, 0, ["a"], { runs: [child], awaits: [awaitOf(child.id)], ...SLEEP }));
      await claimOne(lab, "w2");
      const taken = await takeOver(lab, "w3");
      await mustCommit(world, commitOf(taken, 0, ["a"], DONE));
      assert.equal((await claimOne(lab, "w4")).runId, parent.runId);
      assert.deepEqual(await answersOf(lab, parent.runId), ["op completed\nout"]);
    },
  },
  {
    name: "awaits and ends that race always meet: each run is answered once (race 2)",
    async run(lab) {
      const worlds = await several(lab, 4);
      const pairs = await Promise.all(Array.from({ length: 24 }, async () => (await startMany(lab, "w1", 2)) as [Owned, Owned]));
      const meet = async ([parent, child]: readonly [Owned, Owned], index: number): Promise<void> => {
        const asks: Commit = commitOf(parent, 0, ["a"], { ...SLEEP, awaits: [awaitOf(child.runId)] });
        const ends: Commit = commitOf(child, 0, ["a"], DONE);
        // Each commit is made twice, as after a lost answer.
        await Promise.all([asks, ends, ends, asks].map((one, turn) => mustCommit(worlds[(index + turn) % 4]!, one)));
      };
      await Promise.all(pairs.map(meet));
      for (const [parent] of pairs) {
        assert.deepEqual(await answersOf(lab, parent.runId), ["op completed\nout"]);
        assert.ok((await recordOf(lab.world, parent.runId)).dueAt !== null);
      }
    },
  },
];
