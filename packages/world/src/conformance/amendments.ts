import assert from "node:assert/strict";
import type { Amendment, Rewind, RunRecord, World } from "../index.ts";
import {
  answersOf,
  awaitOf,
  bytes,
  type Case,
  childOf,
  claim,
  claimOne,
  commit,
  commitOf,
  create,
  DONE,
  historyOf,
  type Lab,
  messageTo,
  mustCommit,
  type Owned,
  recordOf,
  rejectsWith,
  settle,
  SLEEP,
  start,
  text,
  uuid,
  waitingOf,
} from "./lab.ts";

const FAILED = { patch: { status: "failed", output: bytes("error"), note: "why" } } as const;

/** To take back all rows but some, of a run as it is now. */
async function rewindOf(
  world: World,
  runId: string,
  keepRows: number,
  rest: Partial<Rewind> = {},
): Promise<Amendment & { rewind: Rewind }> {
  const { status, fence } = await recordOf(world, runId);
  const length = (await historyOf(world, runId)).length;
  const copy = { id: childOf({ runId }).id, note: "a copy" };
  return { seen: { status, fence }, rewind: { length, keepRows, copy, operations: [], forgotten: [], messages: [], awaits: [], ...rest } };
}

/** A run that has failed with its third row. */
async function failedRun(lab: Lab, worker: string, fields: Parameters<typeof create>[1] = {}): Promise<Owned> {
  const owned = await start(lab, worker, fields);
  await mustCommit(lab.world, commitOf(owned, 0, ["a", "b"]));
  await mustCommit(lab.world, commitOf(owned, 2, ["c"], FAILED));
  return owned;
}

export const amendments: readonly Case[] = [
  {
    name: "a failed run that is rewound is open again with exactly the rows that it keeps, and a worker gets it at once",
    async run(lab) {
      const { world } = lab;
      const owned = await failedRun(lab, "w1", { key: "order", attributes: { plan: "pro" } });
      const before = await recordOf(world, owned.runId);
      const from = await world.now();
      const amendment = await rewindOf(world, owned.runId, 2);
      assert.equal(await world.amend(owned.runId, amendment), "amended");
      const run = await recordOf(world, owned.runId);
      assert.ok(run.fence > before.fence && run.dueAt !== null && run.dueAt >= from);
      const opened = { status: "running", output: null, note: null, endedAt: null, owner: null };
      assert.deepEqual({ ...run, fence: 0, dueAt: 0 }, { ...before, ...opened, fence: 0, dueAt: 0 });
      assert.deepEqual(await historyOf(world, owned.runId), ["a", "b"]);
      const again = await claimOne(lab, "w2");
      assert.equal(again.runId, owned.runId);
      await mustCommit(world, commitOf(again, 2, ["d"], DONE));
      assert.deepEqual(await historyOf(world, owned.runId), ["a", "b", "d"]);
      assert.equal((await world.query.run({ key: "order" }))?.id, owned.runId);
    },
  },
  {
    name: "what the run was is a run of its own that is over, with all rows, and found as its child",
    async run(lab) {
      const { world } = lab;
      const failed = await failedRun(lab, "w1", { key: "order", attributes: { plan: "pro" } });
      const open = await start(lab, "w1");
      await mustCommit(world, commitOf(open, 0, ["x", "y"], { state: [{ key: "k", value: bytes("v") }] }));
      const copies: RunRecord[] = [];
      for (const { runId } of [failed, open]) {
        const was = await recordOf(world, runId);
        const rows = await historyOf(world, runId);
        const amendment = await rewindOf(world, runId, 0);
        assert.equal(await world.amend(runId, amendment), "amended");
        const copy = await recordOf(world, amendment.rewind.copy.id);
        const { workflowId, version, input, output } = was;
        const same = { workflowId, version, input, output, status: was.status === "running" ? "cancelled" : was.status };
        const own = { key: null, attributes: {}, note: "a copy", owner: null, dueAt: null, successor: null };
        for (const [name, value] of Object.entries({ ...same, ...own, parent: { runId, operation: "rewind" } }))
          assert.deepEqual([name, copy[name as keyof RunRecord]], [name, value]);
        assert.deepEqual(await historyOf(world, copy.id), rows);
        assert.deepEqual((await world.query.runs({ parent: runId })).runs, [copy]);
        copies.push(copy);
      }
      // It may be rewound itself: nothing that was is lost.
      const again = await rewindOf(world, copies[0]!.id, 3);
      assert.equal(await world.amend(copies[0]!.id, again), "amended");
      assert.deepEqual(await historyOf(world, copies[0]!.id), ["a", "b", "c"]);
      assert.equal((await world.query.state(open.runId)).length, 1);
    },
  },
  {
    name: "the owner of an amended run is fenced, whatever it commits, and its crashes count from 0",
    async run(lab) {
      const { world } = lab;
      for (const kind of ["version", "rewind"] as const) {
        const owned = await start(lab, kind);
        await mustCommit(world, commitOf(owned, 0, ["a", "b"]));
        const rewound = await rewindOf(world, owned.runId, 1);
        const amendment = kind === "rewind" ? rewound : { seen: rewound.seen, version: "v2" };
        assert.equal(await world.amend(owned.runId, amendment), "amended");
        // (A row that is kept is its own: asked for again, it has landed.)
        for (const base of kind === "rewind" ? [1, 2, 3] : [2, 3])
          assert.deepEqual(await commit(world, commitOf(owned, base, ["late"])), { status: "fenced" });
        assert.deepEqual(await commit(world, commitOf(owned, 2, [], DONE)), { status: "fenced" });
        await world.release(kind, [{ ...owned, dueAt: null }]);
        const { runs } = await claim(lab, kind);
        assert.deepEqual(
          runs.map(({ run, isTakeover, crashes }) => [run.id, isTakeover, crashes, run.fence > owned.fence + 1]),
          [[owned.runId, false, 0, true]],
        );
        assert.equal(runs[0]!.run.version, kind === "version" ? "v2" : "v1");
        assert.deepEqual(await historyOf(world, owned.runId), kind === "version" ? ["a", "b"] : ["a"]);
      }
    },
  },
  {
    name: "a sleeping run that gets another version is due at once, without its note",
    async run(lab) {
      const { world } = lab;
      const owned = await start(lab, "w1");
      await mustCommit(world, commitOf(owned, 0, ["a"], { patch: { dueAt: null, note: "parked" } }));
      const { status, fence } = await recordOf(world, owned.runId);
      assert.equal(await world.amend(owned.runId, { seen: { status, fence }, version: "v2" }), "amended");
      const { version, note } = await recordOf(world, owned.runId);
      assert.deepEqual([version, note], ["v2", null]);
      assert.equal((await claimOne(lab, "w2")).runId, owned.runId);
    },
  },
  {
    name: "of several that amend a run as they saw it, one does, and the others are told that it changed",
    async run(lab) {
      const { world } = lab;
      const other = await lab.open();
      const { runId } = await failedRun(lab, "w1");
      const wishes = await Promise.all(Array.from({ length: 6 }, (_, index) => rewindOf(world, runId, index % 3)));
      const outcomes = await Promise.all(wishes.map((wish, index) => (index % 2 ? world : other).amend(runId, wish)));
      assert.deepEqual(outcomes.filter((one) => one === "amended").length, 1);
      assert.deepEqual(outcomes.filter((one) => one === "changed").length, 5);
      const winner = wishes[outcomes.indexOf("amended")]!;
      assert.deepEqual(await historyOf(world, runId), ["a", "b", "c"].slice(0, winner.rewind.keepRows));
      for (const wish of wishes) assert.equal((await world.query.run({ id: wish.rewind.copy.id })) !== null, wish === winner);
      // A retry of the one that did is told so.
      assert.equal(await world.amend(runId, winner), "amended");
      assert.equal((await recordOf(world, runId)).fence, winner.seen.fence + 1);
    },
  },
  {
    name: "a run that is not as it was seen is left alone",
    async run(lab) {
      const { world } = lab;
      const owned = await start(lab, "w1");
      await mustCommit(world, commitOf(owned, 0, ["a"]));
      const wish = await rewindOf(world, owned.runId, 0);
      await mustCommit(world, commitOf(owned, 1, ["b"]));
      assert.equal(await world.amend(owned.runId, wish), "changed");
      const seen = wish.seen;
      for (const wrong of [
        { ...seen, fence: seen.fence + 1 },
        { ...seen, status: "failed" as const },
      ])
        assert.equal(await world.amend(owned.runId, { seen: wrong, version: "v2" }), "changed");
      await mustCommit(world, commitOf(owned, 2, ["c"], DONE));
      const over = await rewindOf(world, owned.runId, 0);
      assert.equal(await world.amend(owned.runId, { seen: over.seen, version: "v2" }), "changed", "a run that is over keeps its version");
      assert.deepEqual(await historyOf(world, owned.runId), ["a", "b", "c"]);
      assert.equal((await recordOf(world, owned.runId)).version, "v1");
      assert.equal(await world.amend(uuid(), { seen, version: "v2" }), "not_found");
      const gone = await start(lab, "w1");
      await mustCommit(world, commitOf(gone, 0, ["end"], { ...DONE, successor: childOf(gone) }));
      assert.equal(await world.amend(gone.runId, await rewindOf(world, gone.runId, 0)), "changed", "a run goes on elsewhere");
    },
  },
  {
    name: "hooks, awaits and messages of operations that are cut off go, those of open ones stay, and messages come again",
    async run(lab) {
      const { world } = lab;
      const awaited = await create(world);
      await claim(lab, "w0");
      const owned = await start(lab, "w1");
      const hooks = ["kept", "cut"].map((operation) => ({ token: `t-${operation}`, operation, metadata: null }));
      const awaits = [awaitOf(awaited.id, "kept-run"), awaitOf(awaited.id, "cut-run")];
      await mustCommit(world, commitOf(owned, 0, ["a"], { ...SLEEP, hooks, awaits }));
      const to = (operation: string, id: string) => ({ id, to: { token: `t-${operation}` }, kind: "hook", payload: bytes(id) });
      await world.deliver([to("kept", "k1"), to("kept", "k2"), to("cut", "c1"), to("cut", "c2"), messageTo(owned.runId, "own")]);
      await mustCommit(world, commitOf(owned, 1, ["b"], { consumed: ["k1", "c1", "own"] }));
      const amendment = await rewindOf(world, owned.runId, 1, {
        operations: ["kept", "kept-run"],
        forgotten: ["own"],
        messages: [{ id: "k1", kind: "hook", operation: "kept", payload: bytes("k1") }],
        awaits: [awaitOf(awaited.id, "kept-run")],
      });
      assert.equal(await world.amend(owned.runId, amendment), "amended");
      assert.deepEqual(await waitingOf(world, owned.runId), ["k2", "k1"]);
      assert.equal((await world.query.hook("t-kept"))?.runId, owned.runId);
      assert.equal(await world.query.hook("t-cut"), null);
      const [k2, own, c1] = await world.deliver([to("kept", "k2"), messageTo(owned.runId, "own"), messageTo(owned.runId, "c1")]);
      assert.deepEqual([k2?.status, own?.status, c1?.status], ["duplicate", "delivered", "delivered"]);
      assert.equal(await world.end(awaited.id, { status: "cancelled", output: null, note: null }), "ended");
      await settle(async () => (await answersOf(lab, owned.runId)).length > 0);
      assert.deepEqual(await answersOf(lab, owned.runId), ["kept-run cancelled\n"]);
      const again = await claimOne(lab, "w2");
      const consumed = await waitingOf(world, owned.runId);
      await mustCommit(world, commitOf(again, 1, ["c"], { consumed, patch: { dueAt: null } }));
      assert.equal((await recordOf(world, owned.runId)).dueAt, null, "all of them were counted");
    },
  },
  {
    name: "a run that is opened again is told of the end of a run that it awaits, also if it was told before",
    async run(lab) {
      const { world } = lab;
      const awaited = await create(world);
      assert.equal(await world.end(awaited.id, { status: "failed", output: bytes("first"), note: null }), "ended");
      const owned = await start(lab, "w1");
      await mustCommit(world, commitOf(owned, 0, ["a"], { awaits: [awaitOf(awaited.id)] }));
      await settle(async () => (await answersOf(lab, owned.runId)).length > 0);
      await mustCommit(world, commitOf(owned, 1, ["b"], { ...FAILED, consumed: ["ended:op"] }));
      // The awaited run is mended first; then its parent waits for it, as if it had never been told.
      assert.equal(await world.amend(awaited.id, await rewindOf(world, awaited.id, 0)), "amended");
      const amendment = await rewindOf(world, owned.runId, 1, { operations: ["op"], awaits: [awaitOf(awaited.id)] });
      assert.equal(await world.amend(owned.runId, amendment), "amended");
      assert.deepEqual(await answersOf(lab, owned.runId), []);
      const { runs } = await claim(lab, "w2");
      const mended = runs.find(({ run }) => run.id === awaited.id)!.run;
      await mustCommit(world, commitOf({ runId: mended.id, fence: mended.fence, worker: "w2" }, 0, ["end"], DONE));
      await settle(async () => (await answersOf(lab, owned.runId)).length > 0);
      assert.deepEqual(await answersOf(lab, owned.runId), ["op completed\nout"]);
    },
  },
  {
    name: "a run begins with the rows that it is given, and goes on behind them",
    async run(lab) {
      const { world } = lab;
      const history = [bytes("a"), bytes("b")];
      const { id } = await create(world, { key: "fork", history });
      assert.deepEqual(await historyOf(world, id), ["a", "b"]);
      history[0] = bytes("changed");
      const owned = await claimOne(lab, "w1");
      assert.deepEqual(await commit(world, commitOf(owned, 0, ["a", "b"])), { status: "behind" });
      await mustCommit(world, commitOf(owned, 2, ["c"], DONE));
      assert.deepEqual(
        (await world.load(id)).rows.map(({ data }) => text(data)),
        ["a", "b", "c"],
      );
      await rejectsWith("WORLD_INVALID_ARGUMENT", create(world, { history: ["text" as never] }));
    },
  },
  {
    name: "the versions that open runs have are counted, of all workflows or of one",
    async run(lab) {
      const { world } = lab;
      const [first, second] = ["app#a", "app#b"] as const;
      for (const [workflowId, version] of [
        [first, "v1"],
        [first, "v2"],
        [first, "v2"],
        [second, "v2"],
      ] as const)
        await create(world, { workflowId, version });
      const over = await start(lab, "w1", { workflowId: second, version: "v9" });
      await mustCommit(world, commitOf(over, 0, ["a"], DONE));
      const list = async (workflowId?: string): Promise<string[]> =>
        (await world.query.versions(workflowId)).versions.map((one) => `${one.workflowId} ${one.version} ${one.open}`).sort();
      assert.deepEqual(await list(), [`${first} v1 1`, `${first} v2 2`, `${second} v2 1`]);
      assert.deepEqual(await list(second), [`${second} v2 1`]);
      assert.deepEqual(await list("app#none"), []);
    },
  },
  {
    name: "an amendment that says nothing, or what no World can do, is refused",
    async run(lab) {
      const { world } = lab;
      const { runId } = await failedRun(lab, "w1");
      const good = await rewindOf(world, runId, 1);
      const { seen, rewind } = good;
      const bad: Amendment[] = [
        { seen },
        { seen, version: "" },
        { seen, rewind: { ...rewind, keepRows: 4 } },
        { seen, rewind: { ...rewind, keepRows: -1 } },
        { seen, rewind: { ...rewind, copy: { id: runId, note: "" } } },
        { seen, rewind: { ...rewind, copy: { id: "no id", note: "" } } },
        { seen, rewind: { ...rewind, operations: [""] } },
        { seen, rewind: { ...rewind, forgotten: ["\0"] } },
        { seen, rewind: { ...rewind, messages: [{ id: "m", kind: "k", operation: null, payload: "text" as never }] } },
        { seen, rewind: { ...rewind, awaits: [awaitOf(runId, "")] } },
      ];
      for (const one of bad) await rejectsWith("WORLD_INVALID_ARGUMENT", world.amend(runId, one));
      assert.equal(await world.amend(runId, good), "amended");
    },
  },
];
