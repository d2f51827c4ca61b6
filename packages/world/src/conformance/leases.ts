import assert from "node:assert/strict";
import { bytes, type Case, claim, claimOne, commitOf, create, mustCommit, recordOf, start, takeOver, uuid } from "./lab.ts";

export const leases: readonly Case[] = [
  {
    name: "a claim gives each due run to one worker, at the next fence, with the lease of that worker",
    async run(lab) {
      const run = await create(lab.world);
      const { runs } = await claim(lab, "w1");
      assert.deepEqual(runs, [{ run: { ...run, owner: "w1", fence: 1 }, isTakeover: false, crashes: 0 }]);
      assert.deepEqual((await claim(lab, "w2")).runs, []);
      assert.deepEqual((await claim(lab, "w1")).runs, []);
      assert.equal((await recordOf(lab.world, run.id)).owner, "w1");
    },
  },
  {
    name: "what a claim says of histories is what a load finds: of a new run, one with messages, one made with a history, and one given back",
    async run(lab) {
      const [plain, told, copied] = [
        await create(lab.world),
        await create(lab.world),
        await create(lab.world, { history: [bytes("copied")] }),
      ];
      const message = { id: "m", to: { runId: told.id }, kind: "wake", payload: bytes("p") };
      await lab.world.deliver([message]);
      const owned = await start(lab, "w1");
      await mustCommit(lab.world, commitOf(owned, 0, ["a"]));
      await lab.world.release("w1", [owned]);
      const claimed = await claim(lab, "w2"); // compares
      assert.deepEqual(new Set(claimed.runs.map(({ run }) => run.id)), new Set([plain.id, told.id, copied.id, owned.runId]));
      await lab.world.deliver([{ ...message, id: "later", to: { runId: plain.id } }]);
      const { messages } = await claim(lab, "w2");
      assert.deepEqual(new Set(messages.map(({ runId, id }) => `${runId} ${id}`)), new Set([`${told.id} m`, `${plain.id} later`]));
    },
  },
  {
    name: "a claim takes at most its limit; a limit of 0 takes nothing",
    async run(lab) {
      for (let index = 0; index < 5; index++) await create(lab.world);
      assert.equal((await claim(lab, "w1", 0)).runs.length, 0);
      assert.equal((await claim(lab, "w1", 2)).runs.length, 2);
      assert.equal((await claim(lab, "w1", 2)).runs.length, 2);
      assert.equal((await claim(lab, "w1", 2)).runs.length, 1);
    },
  },
  {
    name: "a run is taken over when its owner's lease is over, and not before",
    async run(lab) {
      const owned = await start(lab, "w1");
      await lab.pass(lab.leaseMs / 2);
      assert.deepEqual((await claim(lab, "w2")).runs, []);
      assert.equal((await takeOver(lab, "w2")).runId, owned.runId);
    },
  },
  {
    name: "a heartbeat keeps all runs of a worker, and so does a claim, even one that finds nothing",
    async run(lab) {
      await start(lab, "w1");
      await start(lab, "w1");
      for (let beat = 0; beat < 4; beat++) {
        await lab.pass(lab.leaseMs * 0.6);
        if (beat % 2 === 0) await lab.world.heartbeat("w1", lab.leaseMs);
        else await claim(lab, "w1");
        assert.deepEqual((await claim(lab, "w2")).runs, []);
      }
    },
  },
  {
    name: "frequent claims keep a lease as well as rare ones",
    async run(lab) {
      await start(lab, "w1");
      for (let poll = 0; poll < 12; poll++) {
        await lab.pass(lab.leaseMs * 0.15);
        await claim(lab, "w1", poll % 2);
        assert.deepEqual((await claim(lab, "w2")).runs, []);
      }
    },
  },
  {
    name: "a worker whose lease is over gets it back by a heartbeat, and by a claim, when nobody took its runs",
    async run(lab) {
      const owned = await start(lab, "w1");
      for (const [base, renew] of [() => lab.world.heartbeat("w1", lab.leaseMs), () => claim(lab, "w1")].entries()) {
        await lab.pass(lab.leaseMs + 1);
        await renew();
        assert.deepEqual((await claim(lab, "w2")).runs, []);
        await mustCommit(lab.world, commitOf(owned, base, ["a"]));
      }
    },
  },
  {
    name: "every id has a lane, also one that is nobody's or no run's",
    async run({ world }) {
      const run = await create(world);
      for (const id of [run.id, uuid(), "ffffffff-ffff-7fff-bfff-ffffffffffff", "a key", ""]) {
        const lane = world.laneOf?.(id);
        assert.equal(typeof lane, world.laneOf ? "string" : "undefined");
        assert.equal(world.laneOf?.(id), lane);
      }
    },
  },
  {
    name: "a claim never gives a worker its own run, also when its lease was over",
    async run(lab) {
      await start(lab, "w1");
      await lab.pass(lab.leaseMs + 1);
      assert.deepEqual((await claim(lab, "w1")).runs, []);
    },
  },
  {
    name: "the runs of a retired worker are claimable at once and do not count as crashed",
    async run(lab) {
      const owned = await start(lab, "w1");
      await lab.world.retire("w1");
      await lab.world.retire("w1");
      await lab.world.retire("never-seen");
      const { runs } = await claim(lab, "w2");
      assert.deepEqual(
        runs.map(({ run, isTakeover, crashes }) => [run.id, run.fence, isTakeover, crashes]),
        [[owned.runId, 2, false, 0]],
      );
    },
  },
  {
    name: "a worker may come back after it retired",
    async run(lab) {
      const run = await create(lab.world);
      await claimOne(lab, "w1");
      await lab.world.retire("w1");
      const again = await claimOne(lab, "w1");
      assert.deepEqual(again, { runId: run.id, fence: 2, worker: "w1" });
      await mustCommit(lab.world, commitOf(again, 0, ["a"]));
    },
  },
  {
    name: "crashes count the takeovers since the history last grew, also across a release",
    async run(lab) {
      const owned = await start(lab, "w0");
      const seen: number[] = [];
      const take = async (worker: string): Promise<{ runId: string; fence: number; worker: string }> => {
        await lab.pass(lab.leaseMs + 1);
        const { runs } = await claim(lab, worker);
        assert.equal(runs[0]!.isTakeover, true);
        seen.push(runs[0]!.crashes);
        return { runId: owned.runId, fence: runs[0]!.run.fence, worker };
      };
      await take("w1");
      await take("w2");
      const third = await take("w3");
      assert.deepEqual(seen, [1, 2, 3]);
      await mustCommit(lab.world, commitOf(third, 0, ["a"]));
      const fourth = await take("w4");
      assert.deepEqual(seen, [1, 2, 3, 1]);
      await take("w5");
      assert.deepEqual(seen, [1, 2, 3, 1, 2]);
      const { fence } = await recordOf(lab.world, fourth.runId);
      await lab.world.release("w5", [{ runId: owned.runId, fence }]);
      const { runs } = await claim(lab, "w6");
      assert.deepEqual([runs[0]!.isTakeover, runs[0]!.crashes], [false, 2]);
      await take("w7");
      assert.deepEqual(seen, [1, 2, 3, 1, 2, 3]);
    },
  },
  {
    name: "runs that belong to a worker without its knowing are given to it again, when it says what it holds",
    async run(lab) {
      const known = await start(lab, "w1");
      const lost = await start(lab, "w1");
      assert.deepEqual((await claim(lab, "w1")).runs, []);
      const { runs } = await lab.world.claim({ worker: "w1", limit: 10, leaseMs: lab.leaseMs, holding: [known.runId] });
      assert.deepEqual(
        runs.map(({ run, isTakeover, crashes }) => [run.id, run.fence, isTakeover, crashes]),
        [[lost.runId, lost.fence + 1, false, 0]],
      );
      await mustCommit(lab.world, commitOf(known, 0, ["a"]));
      assert.deepEqual(await lab.world.commit([commitOf(lost, 0, ["a"])]), [{ status: "fenced" }]);
    },
  },
  {
    name: "a release with another fence or by another worker is ignored",
    async run(lab) {
      const owned = await start(lab, "w1");
      await lab.world.release("w1", [{ ...owned, fence: owned.fence + 1 }]);
      await lab.world.release("w2", [owned]);
      await lab.world.release("w1", [{ runId: "01890a5d-ac96-774b-bcce-b302099a8057", fence: 1 }]);
      assert.equal((await recordOf(lab.world, owned.runId)).owner, "w1");
      await mustCommit(lab.world, commitOf(owned, 0, ["a"]));
    },
  },
  {
    name: "a late release after a takeover does not take the run from its new owner",
    async run(lab) {
      const old = await start(lab, "w1");
      const taken = await takeOver(lab, "w2");
      await lab.world.release("w1", [{ ...old, dueAt: null }]);
      const { owner, dueAt } = await recordOf(lab.world, old.runId);
      assert.equal(owner, "w2");
      assert.notEqual(dueAt, null);
      await mustCommit(lab.world, commitOf(taken, 0, ["a"]));
    },
  },
];
