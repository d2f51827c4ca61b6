import assert from "node:assert/strict";
import type { HookRecord, Message } from "../index.ts";
import { bytes, type Case, commit, commitOf, mustCommit, type Owned, start, takeOver } from "./lab.ts";

function hook(token: string, operation: string, metadata: Uint8Array | null = null): HookRecord {
  return { token, operation, metadata };
}

function messageFor(token: string, id: string): Message {
  return { id, to: { token }, kind: "hook", payload: bytes(id) };
}

function end(owned: Owned, base: number): Parameters<typeof mustCommit>[1] {
  return commitOf(owned, base, ["end"], { patch: { status: "completed" } });
}

export const hooks: readonly Case[] = [
  {
    name: "a hook reserves its token, is loaded with its run, and receives messages under its operation",
    async run(lab) {
      const owned = await start(lab, "w1");
      const metadata = Uint8Array.from([0, 255, 0]);
      const held = [hook("t", "op", metadata), hook("токен 🔑", "op2"), hook("empty", "op3", new Uint8Array(0))];
      await mustCommit(lab.world, commitOf(owned, 0, ["a"], { hooks: held }));
      assert.deepEqual(await lab.world.query.hook("t"), { runId: owned.runId, operation: "op", metadata });
      const loaded = (await lab.world.load(owned.runId)).hooks;
      assert.deepEqual(
        [...loaded].sort((a, b) => (a.operation < b.operation ? -1 : 1)),
        held,
      );
      const delivery = await lab.world.deliver([messageFor("t", "m"), messageFor("токен 🔑", "n")]);
      assert.deepEqual(delivery, [
        { status: "delivered", runId: owned.runId },
        { status: "delivered", runId: owned.runId },
      ]);
      const { messages } = await lab.world.load(owned.runId);
      assert.deepEqual(
        messages.map(({ id, operation, kind }) => [id, operation, kind]),
        [
          ["m", "op", "hook"],
          ["n", "op2", "hook"],
        ],
      );
    },
  },
  {
    name: "a token that another run or operation holds is a conflict, and the rest of the commit stands",
    async run(lab) {
      const [one, two] = [await start(lab, "w1"), await start(lab, "w1")];
      await mustCommit(lab.world, commitOf(one, 0, ["a"], { hooks: [hook("t", "op")] }));
      const result = await commit(lab.world, commitOf(two, 0, ["b"], { hooks: [hook("t", "op"), hook("u", "op2")] }));
      assert.deepEqual(result, { status: "committed", conflicts: ["op"] });
      assert.equal((await lab.world.query.hook("t"))?.runId, one.runId);
      assert.equal((await lab.world.query.hook("u"))?.runId, two.runId);
      const own = await commit(lab.world, commitOf(one, 1, ["c"], { hooks: [hook("t", "other"), hook("t", "op")] }));
      assert.deepEqual(own, { status: "committed", conflicts: ["other"] });
      assert.equal((await lab.world.query.hook("t"))?.operation, "op");
    },
  },
  {
    name: "of two commits in a batch that want one token the first gets it",
    async run(lab) {
      const [one, two] = [await start(lab, "w1"), await start(lab, "w1")];
      const results = await lab.world.commit([
        commitOf(one, 0, ["a"], { hooks: [hook("t", "op")] }),
        commitOf(two, 0, ["a"], { hooks: [hook("t", "op")] }),
      ]);
      assert.deepEqual(results, [
        { status: "committed", conflicts: [] },
        { status: "committed", conflicts: ["op"] },
      ]);
      assert.equal((await lab.world.query.hook("t"))?.runId, one.runId);
    },
  },
  {
    name: "a commit that is fenced or behind takes no token, so that the next one in its batch gets it (race 3)",
    async run(lab) {
      const [one, two, three] = [await start(lab, "w1"), await start(lab, "w1"), await start(lab, "w1")];
      const wants = { hooks: [hook("t", "op")] };
      const results = await lab.world.commit([
        commitOf({ ...one, fence: 9 }, 0, ["a"], wants),
        commitOf(two, 4, ["a"], wants),
        commitOf(three, 0, ["a"], wants),
      ]);
      assert.deepEqual(
        results.map(({ status }) => status),
        ["fenced", "behind", "committed"],
      );
      assert.equal((await lab.world.query.hook("t"))?.runId, three.runId);
    },
  },
  {
    name: "a disposed hook frees its token, and receives nothing more",
    async run(lab) {
      const [one, two] = [await start(lab, "w1"), await start(lab, "w1")];
      await mustCommit(lab.world, commitOf(one, 0, ["a"], { hooks: [hook("t", "op")] }));
      await mustCommit(lab.world, commitOf(one, 1, ["b"], { disposedHooks: ["op", "unknown"] }));
      assert.deepEqual(await lab.world.deliver([messageFor("t", "m")]), [{ status: "not_found" }]);
      await mustCommit(lab.world, commitOf(two, 0, ["a"], { hooks: [hook("t", "op")] }));
      assert.deepEqual(await lab.world.deliver([messageFor("t", "m")]), [{ status: "delivered", runId: two.runId }]);
    },
  },
  {
    name: "one commit may free a token and take it again; what it creates and disposes at once is never held",
    async run(lab) {
      const owned = await start(lab, "w1");
      await mustCommit(lab.world, commitOf(owned, 0, ["a"], { hooks: [hook("t", "op")] }));
      await mustCommit(lab.world, commitOf(owned, 1, ["b"], { hooks: [hook("t", "op2")], disposedHooks: ["op"] }));
      assert.equal((await lab.world.query.hook("t"))?.operation, "op2");
      await mustCommit(lab.world, commitOf(owned, 2, ["c"], { hooks: [hook("u", "op3")], disposedHooks: ["op3"] }));
      assert.equal(await lab.world.query.hook("u"), null);
    },
  },
  {
    name: "the end of a run frees its tokens; messages that it did not read are dropped",
    async run(lab) {
      const [one, two] = [await start(lab, "w1"), await start(lab, "w1")];
      await mustCommit(lab.world, commitOf(one, 0, ["a"], { hooks: [hook("t", "op")] }));
      await lab.world.deliver([messageFor("t", "m")]);
      await mustCommit(lab.world, end(one, 1));
      assert.deepEqual(await lab.world.deliver([messageFor("t", "n")]), [{ status: "not_found" }]);
      assert.deepEqual((await lab.world.load(one.runId)).messages, []);
      await mustCommit(lab.world, commitOf(two, 0, ["a"], { hooks: [hook("t", "op")] }));
    },
  },
  {
    name: "hooks pass to the new owner of their run",
    async run(lab) {
      const owned = await start(lab, "w1");
      await mustCommit(lab.world, commitOf(owned, 0, ["a"], { hooks: [hook("t", "op")] }));
      const taken = await takeOver(lab, "w2");
      assert.deepEqual((await lab.world.load(owned.runId)).hooks, [hook("t", "op")]);
      await mustCommit(lab.world, commitOf(taken, 1, ["b"], { hooks: [hook("t", "op")] }));
      await mustCommit(lab.world, commitOf(taken, 2, ["c"], { disposedHooks: ["op"] }));
      assert.equal(await lab.world.query.hook("t"), null);
    },
  },
  {
    name: "tokens that nobody could hold are simply not found",
    async run(lab) {
      for (const token of ["", "a\0b", "t".repeat(2000)]) {
        assert.deepEqual(await lab.world.deliver([messageFor(token, "m")]), [{ status: "not_found" }]);
        assert.equal(await lab.world.query.hook(token), null);
      }
    },
  },
];
