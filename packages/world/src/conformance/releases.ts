import assert from "node:assert/strict";
import type { Commit, CommitResult, HookRecord } from "../index.ts";
import {
  bytes,
  type Case,
  claim,
  claimOne,
  commit,
  commitOf,
  COMMITTED,
  historyOf,
  messageTo,
  mustCommit,
  type Owned,
  recordOf,
  start,
} from "./lab.ts";

const RELEASED = { ...COMMITTED, released: true };

/** A commit that gives its run back until then; null: until a message comes. */
function lastCommit(owned: Owned, rows: readonly string[], dueAt: number | null, rest: Partial<Commit> = {}): Commit {
  return commitOf(owned, 0, rows, { patch: { dueAt, release: true }, ...rest });
}

function hook(token: string): HookRecord {
  return { token, operation: `of ${token}`, metadata: null };
}

/** Commits that give their runs back (`patch.release`). */
export const releases: readonly Case[] = [
  {
    name: "a commit that gives its run back is the owner's last; a retry of it knows what it did",
    async run(lab) {
      const owned = await start(lab, "w1");
      const last = lastCommit(owned, ["a", "b"], null, { patch: { dueAt: null, note: "rests", release: true } });
      assert.deepEqual(await commit(lab.world, last), RELEASED);
      const { owner, note, dueAt, status } = await recordOf(lab.world, owned.runId);
      assert.deepEqual({ owner, note, dueAt, status }, { owner: null, note: "rests", dueAt: null, status: "running" });
      assert.deepEqual(await commit(lab.world, last), RELEASED);
      assert.deepEqual(await commit(lab.world, commitOf(owned, 2, ["c"])), { status: "fenced" });
      assert.deepEqual((await claim(lab, "w2")).runs, []);
      await lab.world.deliver([messageTo(owned.runId, "m")]);
      const taken = await claimOne(lab, "w1");
      assert.equal(taken.fence, owned.fence + 1);
      assert.deepEqual(await commit(lab.world, last), RELEASED);
      await mustCommit(lab.world, commitOf(taken, 2, ["c"], { consumed: ["m"] }));
      assert.deepEqual(await historyOf(lab.world, owned.runId), ["a", "b", "c"]);
    },
  },
  {
    name: "a run that was given back by a commit is claimed when it is due, and at once when a message is left",
    async run(lab) {
      const [due, told] = [await start(lab, "w1"), await start(lab, "w1")];
      const now = await lab.world.now();
      await lab.world.deliver([messageTo(told.runId, "m")]);
      assert.deepEqual(await lab.world.commit([lastCommit(due, ["a"], now + 2 * lab.leaseMs), lastCommit(told, ["a"], null)]), [
        RELEASED,
        RELEASED,
      ]);
      assert.equal((await claimOne(lab, "w2")).runId, told.runId);
      await lab.pass(2 * lab.leaseMs + 1);
      const claimed = (await claim(lab, "w2")).runs.map(({ run }) => run.id);
      assert.ok(claimed.includes(due.runId));
    },
  },
  {
    name: "a commit whose hook is not free leaves the run with its owner; others of its batch say what became of theirs",
    async run(lab) {
      const holder = await start(lab, "w1");
      await mustCommit(lab.world, commitOf(holder, 0, ["a"], { hooks: [hook("taken")] }));
      const [refused, free, plain] = [await start(lab, "w1"), await start(lab, "w1"), await start(lab, "w1")];
      const batch = [
        lastCommit(refused, ["a"], null, { hooks: [hook("taken"), hook("other")] }),
        lastCommit(free, ["a"], null, { hooks: [hook("free")] }),
        lastCommit(plain, ["a"], null),
      ];
      const results = await lab.world.commit(batch);
      assert.deepEqual(results[0], { status: "committed", conflicts: ["of taken"] });
      for (const [index, { runId }] of [refused, free, plain].entries()) {
        const { owner } = await recordOf(lab.world, runId);
        assert.equal(owner === null, isReleased(results[index]!));
      }
      assert.ok(isReleased(results[2]!));
      assert.equal((await lab.world.query.hook("free"))?.runId, free.runId);
      await mustCommit(lab.world, commitOf(refused, 1, ["b"]));
      assert.deepEqual(await commit(lab.world, lastCommit(await start(lab, "w1"), ["a"], null, { hooks: [hook("last")] })), RELEASED);
    },
  },
  {
    name: "a commit without rows, or one that ends its run, cannot give it back",
    async run(lab) {
      const owned = await start(lab, "w1");
      for (const one of [
        commitOf(owned, 0, [], { patch: { release: true } }),
        commitOf(owned, 0, ["end"], { patch: { status: "completed", output: bytes("x"), release: true } }),
      ]) {
        const result = await commit(lab.world, one);
        assert.equal(result.status, "failed");
      }
      assert.equal((await recordOf(lab.world, owned.runId)).owner, "w1");
    },
  },
];

function isReleased(result: CommitResult): boolean {
  return result.status === "committed" && result.released === true;
}
