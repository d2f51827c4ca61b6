import assert from "node:assert/strict";
import type { ClaimRequest } from "../records.ts";
import { bytes, type Case, claim, claimOne, commit, commitOf, historyOf, mustCommit, recordOf, start, startMany, takeOver } from "./lab.ts";

export const fencing: readonly Case[] = [
  {
    name: "the fence grows by each claim, and the history is whole over all owners (race 8)",
    async run(lab) {
      let owned = await start(lab, "w0");
      for (let turn = 1; turn <= 4; turn++) {
        await mustCommit(lab.world, commitOf(owned, turn - 1, [`by w${turn - 1}`]));
        const next = await takeOver(lab, `w${turn}`);
        assert.equal(next.fence, owned.fence + 1);
        assert.equal((await historyOf(lab.world, owned.runId)).length, turn);
        owned = next;
      }
    },
  },
  {
    name: "an owner that was taken over is fenced, whatever its base",
    async run(lab) {
      const old = await start(lab, "w1");
      await mustCommit(lab.world, commitOf(old, 0, ["a"]));
      const taken = await takeOver(lab, "w2");
      for (const base of [0, 1, 2]) {
        assert.deepEqual(await commit(lab.world, commitOf(old, base, ["late", "later"])), { status: "fenced" });
      }
      assert.deepEqual(await commit(lab.world, commitOf(old, 1, [], { patch: { note: "late" } })), { status: "fenced" });
      await mustCommit(lab.world, commitOf(taken, 1, ["b"]));
      assert.deepEqual(await historyOf(lab.world, old.runId), ["a", "b"]);
      assert.equal((await recordOf(lab.world, old.runId)).note, null);
    },
  },
  {
    name: "another worker cannot commit with the owner's fence, nor the owner with another fence",
    async run(lab) {
      const owned = await start(lab, "w1");
      await lab.world.heartbeat("w2", lab.leaseMs);
      for (const wrong of [
        { ...owned, worker: "w2" },
        { ...owned, worker: "nobody" },
        { ...owned, fence: 0 },
        { ...owned, fence: 2 },
      ]) {
        assert.deepEqual(await commit(lab.world, commitOf(wrong, 0, ["x"])), { status: "fenced" });
      }
      assert.deepEqual(await historyOf(lab.world, owned.runId), []);
    },
  },
  {
    name: "an owner whose lease is over but whom nobody took over may still commit",
    async run(lab) {
      const owned = await start(lab, "w1");
      await lab.pass(lab.leaseMs + 1);
      await mustCommit(lab.world, commitOf(owned, 0, ["a"]));
    },
  },
  {
    name: "a released run is fenced for its former owner until it claims it again",
    async run(lab) {
      const owned = await start(lab, "w1");
      await lab.world.release("w1", [owned]);
      assert.deepEqual(await commit(lab.world, commitOf(owned, 0, ["x"])), { status: "fenced" });
      const again = await claimOne(lab, "w1");
      assert.equal(again.fence, owned.fence + 1);
      assert.deepEqual(await commit(lab.world, commitOf(owned, 0, ["x"])), { status: "fenced" });
      await mustCommit(lab.world, commitOf(again, 0, ["a"]));
    },
  },
  {
    name: "a terminal run never changes: later commits are fenced, and nobody claims it",
    async run(lab) {
      const owned = await start(lab, "w1");
      await mustCommit(lab.world, commitOf(owned, 0, ["end"], { patch: { status: "failed", output: bytes("error"), note: "why" } }));
      const before = await recordOf(lab.world, owned.runId);
      assert.deepEqual(await commit(lab.world, commitOf(owned, 1, ["more"])), { status: "fenced" });
      assert.deepEqual(await commit(lab.world, commitOf(owned, 1, [], { patch: { status: "completed" } })), { status: "fenced" });
      await lab.world.release("w1", [{ ...owned, dueAt: 0 }]);
      await lab.pass(lab.leaseMs + 1);
      assert.deepEqual((await claim(lab, "w2")).runs, []);
      assert.deepEqual(await recordOf(lab.world, owned.runId), before);
      assert.deepEqual(await historyOf(lab.world, owned.runId), ["end"]);
    },
  },
  {
    name: "an owner that remembers more than the store has is behind, and nothing is appended after the hole (race 6)",
    async run(lab) {
      const owned = await start(lab, "w1");
      await mustCommit(lab.world, commitOf(owned, 0, ["a"]));
      for (const rows of [["x"], ["x", "y"], []]) {
        assert.deepEqual(await commit(lab.world, commitOf(owned, 5, rows, { patch: { note: "x" } })), { status: "behind" });
      }
      assert.deepEqual(await historyOf(lab.world, owned.runId), ["a"]);
      assert.equal((await recordOf(lab.world, owned.runId)).note, null);
    },
  },
  {
    name: "an owner that missed a row is behind, and goes on after it has loaded that row (race 1)",
    async run(lab) {
      const old = await start(lab, "w1");
      await mustCommit(lab.world, commitOf(old, 0, ["a"]));
      const taken = await takeOver(lab, "w2");
      assert.deepEqual(await commit(lab.world, commitOf(taken, 0, ["b"])), { status: "behind" });
      assert.deepEqual(await commit(lab.world, commitOf(taken, 0, [])), { status: "behind" });
      await mustCommit(lab.world, commitOf(taken, (await historyOf(lab.world, old.runId)).length, ["b"]));
      assert.deepEqual(await historyOf(lab.world, old.runId), ["a", "b"]);
    },
  },
  {
    name: "a late commit races a takeover: it lands before it or not at all, and the new owner sees it or is told (race 1)",
    async run(lab) {
      const other = await lab.open();
      const old = await startMany(lab, "w1", 30);
      await lab.pass(lab.leaseMs + 1);
      // (Each a worker of its own: one that claims again, because an answer was lost, is given all that it does not say it has.)
      const request = (worker: string): ClaimRequest => ({ worker, limit: 10, leaseMs: lab.leaseMs });
      const late = old.map((owned) => commit(lab.world, commitOf(owned, 0, ["late"])));
      const claims = await Promise.all([other.claim(request("w2")), lab.world.claim(request("w3")), other.claim(request("w4"))]);
      // A claim may pass by a run that a commit holds at that moment.
      while (claims.flatMap(({ runs }) => runs).length < 30) claims.push(await other.claim(request(`w${claims.length + 2}`)));
      const landed = new Map<string, boolean>();
      for (const [index, result] of (await Promise.all(late)).entries()) landed.set(old[index]!.runId, result.status === "committed");
      const taken = claims.flatMap(({ runs }, index) =>
        runs.map(({ run }) => ({ runId: run.id, fence: run.fence, worker: `w${index + 2}` })),
      );
      assert.equal(new Set(taken.map(({ runId }) => runId)).size, 30);
      for (const owned of taken) {
        const seen = await historyOf(other, owned.runId);
        assert.deepEqual(seen, landed.get(owned.runId) ? ["late"] : []);
        await mustCommit(other, commitOf(owned, seen.length, ["new"]));
        assert.deepEqual(await historyOf(other, owned.runId), [...seen, "new"]);
      }
    },
  },
];
