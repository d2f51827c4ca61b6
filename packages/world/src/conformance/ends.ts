import assert from "node:assert/strict";
import type { RunEnd } from "../index.ts";
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
  recordOf,
  rejectsWith,
  settle,
  start,
  startMany,
  uuid,
  waitingOf,
} from "./lab.ts";

const CANCEL: RunEnd = { status: "cancelled", output: bytes("why"), note: "stopped by ops" };

export const ends: readonly Case[] = [
  {
    name: "an end from outside is that of a terminal commit: no owner, no due time, no hooks, no messages; history, streams and state stay",
    async run(lab) {
      const { world } = lab;
      for (const status of ["cancelled", "failed"] as const) {
        const owned = await start(lab, "w1", { key: status, attributes: { plan: "pro" } });
        const rest = {
          hooks: [{ token: `t-${status}`, operation: "op", metadata: null }],
          state: [{ key: "k", value: bytes("v") }],
          chunks: [{ name: "out", data: bytes("c") }],
        };
        await mustCommit(world, commitOf(owned, 0, ["a"], rest));
        await world.deliver([messageTo(owned.runId, "m")]);
        const before = await recordOf(world, owned.runId);
        const from = await world.now();
        assert.equal(await world.end(owned.runId, { ...CANCEL, status }), "ended");
        const { endedAt, fence, ...run } = await recordOf(world, owned.runId);
        assert.ok(endedAt !== null && endedAt >= from && fence > owned.fence);
        const ended = { status, output: bytes("why"), note: "stopped by ops", owner: null, dueAt: null };
        assert.deepEqual({ ...run, endedAt, fence }, { ...before, ...ended, endedAt, fence });
        const { rows, hooks, messages } = await world.load(owned.runId);
        assert.deepEqual([rows.length, hooks, messages], [1, [], []]);
        assert.equal(await world.query.hook(`t-${status}`), null);
        assert.equal((await world.query.state(owned.runId)).length, 1);
        assert.deepEqual((await world.streams.read({ runId: owned.runId, name: "out" }, 0)).chunks, [bytes("c")]);
        assert.deepEqual(await world.deliver([messageTo(owned.runId, "n")]), [{ status: "ended", runId: owned.runId }]);
      }
    },
  },
  {
    name: "the owner of a run that was ended from outside is fenced, whatever it commits",
    async run(lab) {
      const { world } = lab;
      const owned = await start(lab, "w1");
      await mustCommit(world, commitOf(owned, 0, ["a"]));
      const receiver = await create(world);
      await world.end(owned.runId, CANCEL);
      const before = await recordOf(world, owned.runId);
      const late = [
        commitOf(owned, 1, ["late"], { messages: [messageTo(receiver.id, "late")], state: [{ key: "k", value: bytes("late") }] }),
        commitOf(owned, 1, ["late"], { patch: { status: "completed", output: bytes("late") } }),
        // The same end by the same fence would be taken for a retry, had the fence not grown.
        commitOf(owned, 1, [], { patch: { status: "cancelled", output: bytes("late") } }),
        commitOf(owned, 1, [], { patch: { note: "late" } }),
      ];
      for (const one of late) assert.deepEqual(await commit(world, one), { status: "fenced" });
      await world.release("w1", [{ ...owned, dueAt: 0 }]);
      await lab.pass(lab.leaseMs + 1);
      assert.ok((await claim(lab, "w2")).runs.every(({ run }) => run.id !== owned.runId));
      assert.deepEqual(await recordOf(world, owned.runId), before);
      assert.deepEqual([await historyOf(world, owned.runId), await waitingOf(world, receiver.id)], [["a"], []]);
      assert.deepEqual(await world.query.state(owned.runId), []);
      // What had landed is known still.
      await mustCommit(world, commitOf(owned, 0, ["a"]));
    },
  },
  {
    name: "runs without an owner, asleep, or with a dead owner end as well",
    async run(lab) {
      const { world } = lab;
      const dead = await start(lab, "w1");
      const asleep = await create(world, { dueAt: (await world.now()) + 90_000_000 });
      const free = await create(world);
      await lab.pass(lab.leaseMs + 1);
      for (const id of [dead.runId, asleep.id, free.id]) {
        assert.equal(await world.end(id, { status: "failed", output: null, note: null }), "ended");
        const { status, output, note } = await recordOf(world, id);
        assert.deepEqual([status, output, note], ["failed", null, null]);
      }
      const { runs, nextDueAt } = await claim(lab, "w3");
      assert.deepEqual([runs, nextDueAt], [[], null]);
    },
  },
  {
    name: "a run that is over stays as it is: already; one that does not exist is not found",
    async run(lab) {
      const { world } = lab;
      const [completed, ended] = [await start(lab, "w1"), await create(world)];
      await mustCommit(world, commitOf(completed, 0, ["a"], { patch: { status: "completed", output: bytes("out") } }));
      await world.end(ended.id, CANCEL);
      for (const id of [completed.runId, ended.id]) {
        const before = await recordOf(world, id);
        assert.equal(await world.end(id, { status: "failed", output: bytes("other"), note: "other" }), "already");
        assert.deepEqual(await recordOf(world, id), before);
      }
      for (const id of [uuid(), "no uuid", ""]) assert.equal(await world.end(id, CANCEL), "not_found");
    },
  },
  {
    name: "an end clears an output that was there, and its note is kept as any store can hold it",
    async run(lab) {
      const { world } = lab;
      const owned = await start(lab, "w1");
      await mustCommit(world, commitOf(owned, 0, ["a"], { patch: { output: bytes("early") } }));
      await world.end(owned.runId, { status: "failed", output: null, note: "a\0b\ud800c" });
      const { output, note } = await recordOf(world, owned.runId);
      assert.deepEqual([output, note], [null, "a\uFFFDb\uFFFDc"]);
    },
  },
  {
    name: "an end that no World may store is refused",
    async run(lab) {
      const { world } = lab;
      const run = await create(world);
      const bad = [{ status: "completed" }, { status: "running" }, { output: "text" }, { note: 1 }];
      for (const part of bad) await rejectsWith("WORLD_INVALID_ARGUMENT", world.end(run.id, { ...CANCEL, ...part } as unknown as RunEnd));
      assert.deepEqual(await recordOf(world, run.id), run);
    },
  },
  {
    name: "an end from outside hints at the end of the run",
    async run(lab) {
      const { world } = lab;
      const run = await create(world);
      const heard: string[] = [];
      const unwatch = world.watch((hint) => {
        if (hint.kind === "ended") heard.push(hint.runId);
      });
      await world.end(run.id, CANCEL);
      await settle(() => heard.includes(run.id));
      unwatch();
    },
  },
  {
    name: "an end races the owner's commits: what is acknowledged is there, and what comes after the end is fenced (race 1)",
    async run(lab) {
      const { world } = lab;
      const other = await lab.open();
      const owned = await startMany(lab, "w1", 30);
      const work = owned.map(async (one) => {
        let length = 0;
        for (; length < 8; length++) {
          const result = await commit(world, commitOf(one, length, [`${length}`], { messages: [messageTo(one.runId, `${length}`)] }));
          if (result.status === "committed") continue;
          assert.equal(result.status, "fenced");
          break;
        }
        return length;
      });
      const ended = await Promise.all(owned.map(({ runId }, index) => (index % 2 === 0 ? other : world).end(runId, CANCEL)));
      assert.ok(ended.every((outcome) => outcome === "ended"));
      for (const [index, length] of (await Promise.all(work)).entries()) {
        const { runId } = owned[index]!;
        assert.equal((await historyOf(other, runId)).length, length);
        assert.equal((await recordOf(other, runId)).status, "cancelled");
        assert.deepEqual(await waitingOf(other, runId), []);
      }
    },
  },
  {
    name: "of an end from outside and the owner's own exactly one counts (race 1)",
    async run(lab) {
      const { world } = lab;
      const other = await lab.open();
      const owned = await startMany(lab, "w1", 40);
      const outcomes = owned.map(async (one, index) => {
        const rows = index % 2 === 0 ? ["end"] : [];
        const own = commitOf(one, 0, rows, { patch: { status: "cancelled", output: bytes("own"), note: "own" } });
        const calls = [() => commit(world, own), () => other.end(one.runId, CANCEL)] as const;
        const [first, second] = index % 3 === 0 ? [calls[1](), calls[0]()] : [calls[0](), calls[1]()];
        return Promise.all([first, second]);
      });
      for (const [index, pair] of (await Promise.all(outcomes)).entries()) {
        const outside = pair.find((one) => typeof one === "string");
        const own = pair.find((one) => typeof one === "object");
        assert.ok(own !== undefined && (own.status === "committed" || own.status === "fenced"));
        assert.equal(outside, own.status === "committed" ? "already" : "ended");
        assert.equal((await recordOf(world, owned[index]!.runId)).note, own.status === "committed" ? "own" : CANCEL.note);
      }
    },
  },
  {
    name: "of many that end a run at the same time one does, and the others are told so",
    async run(lab) {
      const other = await lab.open();
      const run = await create(lab.world);
      const calls = Array.from({ length: 20 }, (_, index) =>
        (index % 2 === 0 ? lab.world : other).end(run.id, { ...CANCEL, note: `${index}` }),
      );
      const outcomes = await Promise.all(calls);
      assert.deepEqual(outcomes.filter((outcome) => outcome === "ended").length, 1);
      assert.equal((await recordOf(other, run.id)).note, `${outcomes.indexOf("ended")}`);
    },
  },
];
