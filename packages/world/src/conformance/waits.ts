import assert from "node:assert/strict";
import { type Case, childOf, claim, claimOne, commitOf, create, messageTo, mustCommit, recordOf, start } from "./lab.ts";

export const waits: readonly Case[] = [
  {
    name: "a run is claimable from its due time on, and not before",
    async run(lab) {
      const dueAt = (await lab.world.now()) + 400;
      const run = await create(lab.world, { dueAt });
      const early = await claim(lab, "w1");
      assert.deepEqual([early.runs, early.nextDueAt], [[], dueAt]);
      await lab.pass(401);
      const late = await claim(lab, "w1");
      assert.deepEqual(
        late.runs.map(({ run: { id } }) => id),
        [run.id],
      );
      assert.equal(late.nextDueAt, null);
    },
  },
  {
    name: "due runs are claimed in the order of their due times",
    async run(lab) {
      const now = await lab.world.now();
      const late = await create(lab.world, { dueAt: now - 10 });
      const near = (): string => childOf({ runId: late.id }).id; // runs of one server
      const early = await create(lab.world, { id: near(), dueAt: now - 30 });
      const middle = await create(lab.world, { id: near(), dueAt: now - 20 });
      const claims = [await claimFirst(lab, "w1"), await claimFirst(lab, "w2"), await claimFirst(lab, "w3")];
      assert.deepEqual(claims, [early.id, middle.id, late.id]);
    },
  },
  {
    name: "the next due time is the earliest in the future among runs without a living owner",
    async run(lab) {
      const now = await lab.world.now();
      assert.equal((await claim(lab, "w1")).nextDueAt, null);
      await create(lab.world, { dueAt: now + 90_000 });
      await create(lab.world, { dueAt: now + 80_000 });
      assert.equal((await claim(lab, "w1")).nextDueAt, now + 80_000);
      const owned = await start(lab, "w1");
      await mustCommit(lab.world, commitOf(owned, 0, ["a"], { patch: { dueAt: now + 70_000 } }));
      assert.equal((await claim(lab, "w2")).nextDueAt, now + 80_000);
      await lab.world.release("w1", [owned]);
      assert.equal((await claim(lab, "w2")).nextDueAt, now + 70_000);
    },
  },
  {
    name: "a commit sets and clears the due time, which counts once the owner is gone",
    async run(lab) {
      const owned = await start(lab, "w1");
      const dueAt = (await lab.world.now()) + lab.leaseMs * 2;
      await mustCommit(lab.world, commitOf(owned, 0, ["a"], { patch: { dueAt } }));
      assert.equal((await recordOf(lab.world, owned.runId)).dueAt, dueAt);
      await lab.pass(lab.leaseMs + 1);
      const early = await claim(lab, "w2");
      assert.deepEqual([early.runs, early.nextDueAt], [[], dueAt]);
      await lab.pass(lab.leaseMs);
      assert.equal((await claimOne(lab, "w2")).fence, 2);
    },
  },
  {
    name: "a release sets the due time; null waits for a message",
    async run(lab) {
      const owned = await start(lab, "w1");
      const dueAt = (await lab.world.now()) + 90_000;
      await lab.world.release("w1", [{ ...owned, dueAt }]);
      const { runs, nextDueAt } = await claim(lab, "w2");
      assert.deepEqual([runs, nextDueAt], [[], dueAt]);
      const other = await start(lab, "w1");
      await lab.world.release("w1", [{ ...other, dueAt: null }]);
      assert.equal((await recordOf(lab.world, other.runId)).dueAt, null);
      assert.deepEqual((await claim(lab, "w2")).runs, []);
      await lab.world.deliver([messageTo(other.runId, "m")]);
      assert.equal((await claimOne(lab, "w2")).runId, other.runId);
    },
  },
  {
    name: "a message that arrives between 'nothing due' and the release still wakes the run (race 9)",
    async run(lab) {
      const owned = await start(lab, "w1");
      await mustCommit(lab.world, commitOf(owned, 0, ["a"], { patch: { dueAt: null } }));
      assert.deepEqual((await claim(lab, "w1")).messages, []);
      await lab.world.deliver([messageTo(owned.runId, "m")]);
      await lab.world.release("w1", [{ ...owned, dueAt: (await lab.world.now()) + 90_000 }]);
      assert.equal((await claimOne(lab, "w2")).runId, owned.runId);
    },
  },
  {
    name: "a commit does not put a run to sleep past a message that it does not consume (race 9)",
    async run(lab) {
      for (const dueAt of [null, (await lab.world.now()) + 90_000]) {
        const owned = await start(lab, "w1");
        await lab.world.deliver([messageTo(owned.runId, "m1"), messageTo(owned.runId, "m2")]);
        await mustCommit(lab.world, commitOf(owned, 0, ["a"], { consumed: ["m1"], patch: { dueAt } }));
        const { dueAt: kept } = await recordOf(lab.world, owned.runId);
        assert.ok(kept !== null && kept <= (await lab.world.now()));
        await mustCommit(lab.world, commitOf(owned, 1, ["b"], { consumed: ["m2"], patch: { dueAt } }));
        assert.equal((await recordOf(lab.world, owned.runId)).dueAt, dueAt);
        await mustCommit(lab.world, commitOf(owned, 2, [], { patch: { status: "completed" } }));
      }
    },
  },
  {
    name: "a release without a due time leaves a sleeping run asleep until then",
    async run(lab) {
      const owned = await start(lab, "w1");
      const dueAt = (await lab.world.now()) + 90_000;
      await mustCommit(lab.world, commitOf(owned, 0, ["a"], { patch: { dueAt } }));
      await lab.world.release("w1", [owned]);
      const { runs, nextDueAt } = await claim(lab, "w2");
      assert.deepEqual([runs, nextDueAt], [[], dueAt]);
    },
  },
];

async function claimFirst(lab: Parameters<typeof claim>[0], worker: string): Promise<string | undefined> {
  return (await claim(lab, worker, 1)).runs[0]?.run.id;
}
