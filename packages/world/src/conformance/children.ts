import assert from "node:assert/strict";
import type { Commit, NewRun } from "../index.ts";
import {
  childOf,
  bytes,
  type Case,
  claim,
  COMMITTED,
  commit,
  commitOf,
  create,
  DONE,
  messageTo,
  mustCommit,
  newRun,
  type Owned,
  recordOf,
  settle,
  several,
  SLEEP,
  start,
  startMany,
  takeOver,
  waitingOf,
} from "./lab.ts";

/** Runs that a commit starts. */
export const children: readonly Case[] = [
  {
    name: "a commit starts runs, each as it was asked for, without an owner and due when it says",
    async run(lab) {
      const { world } = lab;
      const parent = await start(lab, "w1");
      const from = { runId: parent.runId, operation: "op" };
      const later = (await world.now()) + 90_000;
      const now = childOf(parent, { key: "child", parent: from, attributes: { plan: "pro", seats: 3 }, input: bytes("own input") });
      const sleeper = childOf(parent, { workflowId: "app#other", version: "v2", dueAt: later });
      const earliest = await world.now();
      await mustCommit(world, commitOf(parent, 0, ["a"], { ...SLEEP, runs: [now, sleeper] }));
      const { createdAt, dueAt, ...record } = await recordOf(world, now.id);
      assert.ok(createdAt >= earliest && createdAt <= (await world.now()) && dueAt === createdAt);
      const { key, workflowId, version, input, attributes } = now;
      const open = { status: "running", output: null, note: null, owner: null, fence: 0, endedAt: null, successor: null };
      assert.deepEqual(record, { id: now.id, key, workflowId, version, input, attributes, parent: from, ...open });
      const other = await recordOf(world, sleeper.id);
      assert.deepEqual([other.workflowId, other.version, other.dueAt, other.parent], ["app#other", "v2", later, null]);
      assert.deepEqual((await world.query.runs({ parent: parent.runId })).runs, [await recordOf(world, now.id)]);
      const { runs, nextDueAt } = await claim(lab, "w2");
      assert.deepEqual([runs.map(({ run }) => [run.id, run.fence]), nextDueAt], [[[now.id, 1]], later]);
    },
  },
  {
    name: "a commit that is fenced, behind or failed starts no run, and the others of its batch do",
    async run(lab) {
      const { world } = lab;
      const [good, fenced, behind, failed] = (await startMany(lab, "w1", 4)) as [Owned, Owned, Owned, Owned];
      const holder = await create(world, { key: "held" });
      const runsOf = (owned: Owned): NewRun[] => [childOf(owned), childOf(owned, { key: "held", ifKeyExists: "replace" })];
      const refused = [
        commitOf({ ...fenced, fence: 7 }, 0, ["x"], { runs: runsOf(fenced) }),
        commitOf(behind, 3, ["x"], { runs: runsOf(behind) }),
        commitOf(failed, 0, ["x"], { runs: runsOf(failed), hooks: [{ token: "", operation: "op", metadata: null }] }),
      ];
      const runs = refused.flatMap((one) => one.runs ?? []);
      const child = childOf(good);
      const results = await world.commit([...refused, commitOf(good, 0, ["x"], { runs: [child] })]);
      assert.deepEqual(
        results.map(({ status }) => status),
        ["fenced", "behind", "failed", "committed"],
      );
      assert.deepEqual(await world.query.runsById(runs.map(({ id }) => id)), []);
      assert.deepEqual(await recordOf(world, holder.id), holder);
      assert.equal((await recordOf(world, child.id)).status, "running");
    },
  },
  {
    name: "the retry of a commit starts no run again, also when the run is over and another worker has the parent",
    async run(lab) {
      const { world } = lab;
      const parent = await start(lab, "w1");
      const child = childOf(parent, { dueAt: (await world.now()) + 9_000_000 });
      const one = commitOf(parent, 0, ["a"], { runs: [child, child] });
      for (let attempt = 0; attempt < 2; attempt++) await mustCommit(world, one);
      await world.end(child.id, { status: "cancelled", output: null, note: "gone" });
      const ended = await recordOf(world, child.id);
      await takeOver(lab, "w2");
      await mustCommit(world, one);
      assert.deepEqual(await recordOf(world, child.id), ended);
    },
  },
  {
    name: "a run whose id exists is left as it is and is not reported, whatever its key",
    async run(lab) {
      const { world } = lab;
      const parent = await start(lab, "w1");
      const existing = await create(world, { id: childOf(parent).id, key: "k" });
      const other = await create(world, { key: "other" });
      const again = newRun({ id: existing.id, key: "other", ifKeyExists: "replace", input: bytes("changed") });
      await mustCommit(world, commitOf(parent, 0, ["a"], { runs: [again] }));
      assert.deepEqual([await recordOf(world, existing.id), await recordOf(world, other.id)], [existing, other]);
    },
  },
  {
    name: "a run whose key another one has is not created, and is reported with the run that has the key, on a retry too",
    async run(lab) {
      const { world } = lab;
      const parent = await start(lab, "w1");
      const [open, over] = [await create(world, { key: "open" }), await create(world, { key: "over" })];
      await world.end(over.id, { status: "failed", output: null, note: null });
      const runs = [
        childOf(parent, { key: "open", ifKeyExists: "return" }),
        childOf(parent, { key: "new" }),
        childOf(parent, { key: "over" }),
        childOf(parent, { key: "new" }),
        childOf(parent),
      ] as const;
      const existing = [
        { id: runs[0].id, runId: open.id },
        { id: runs[2].id, runId: over.id },
        { id: runs[3].id, runId: runs[1].id },
      ];
      for (let attempt = 0; attempt < 2; attempt++) {
        assert.deepEqual(await commit(world, commitOf(parent, 0, ["a"], { runs })), { ...COMMITTED, existing });
      }
      assert.deepEqual((await world.query.runsById(runs.map(({ id }) => id))).map(({ id }) => id).sort(), [runs[1].id, runs[4].id].sort());
    },
  },
  {
    name: "a run that replaces ends the run that has its key, once; a retry replaces nothing, and reports who has a key by then",
    async run(lab) {
      const { world } = lab;
      const [parent, old] = [await start(lab, "w1"), await start(lab, "w2", { key: "k" })];
      const held = await create(world, { key: "held" });
      const child = childOf(parent, { key: "k", ifKeyExists: "replace", replaceOutput: bytes("replaced") });
      const kept = childOf(parent, { key: "held" });
      const one = commitOf(parent, 0, ["a"], { runs: [child, kept] });
      assert.deepEqual(await commit(world, one), { ...COMMITTED, existing: [{ id: kept.id, runId: held.id }] });
      const { status, output, note, key } = await recordOf(world, old.runId);
      assert.deepEqual([status, output, note, key], ["cancelled", bytes("replaced"), `replaced by ${child.id}`, null]);
      assert.deepEqual(await world.commit([commitOf(old, 0, ["late"])]), [{ status: "fenced" }]);
      const next = await create(world, { key: "k", ifKeyExists: "replace" });
      const holder = await create(world, { key: "held", ifKeyExists: "replace" });
      assert.deepEqual(await commit(world, one), { ...COMMITTED, existing: [{ id: kept.id, runId: holder.id }] });
      assert.equal((await world.query.run({ key: "k" }))?.id, next.id);
    },
  },
  {
    name: "a run may replace the run that starts it: the commit stands, and its owner has lost the run",
    async run(lab) {
      const { world } = lab;
      const owned = await start(lab, "w1", { key: "self" });
      const one = commitOf(owned, 0, ["a"], { runs: [childOf(owned, { key: "self", ifKeyExists: "replace" })] });
      for (let attempt = 0; attempt < 2; attempt++) await mustCommit(world, one);
      assert.equal((await recordOf(world, owned.runId)).status, "cancelled");
      assert.equal((await world.query.run({ key: "self" }))?.id, one.runs![0]!.id);
      assert.deepEqual(await world.commit([commitOf(owned, 1, ["b"])]), [{ status: "fenced" }]);
    },
  },
  {
    name: "runs need a row, or an end, by which a retry knows them; the end of a run may start others",
    async run(lab) {
      const { world } = lab;
      const owned = await start(lab, "w1");
      const runs = [childOf(owned)];
      assert.equal((await commit(world, commitOf(owned, 0, [], { runs }))).status, "failed");
      assert.deepEqual(await world.query.runsById([runs[0]!.id]), []);
      for (let attempt = 0; attempt < 2; attempt++) await mustCommit(world, commitOf(owned, 0, [], { ...DONE, runs }));
      assert.equal((await recordOf(world, runs[0]!.id)).status, "running");
    },
  },
  {
    name: "a run that no World may store fails its commit alone, and starts none of the others",
    async run(lab) {
      const { world } = lab;
      const [owned, other] = (await startMany(lab, "w1", 2)) as [Owned, Owned];
      const good = childOf(owned);
      const bad: readonly Partial<NewRun>[] = [
        { id: "no uuid" },
        { key: "" },
        { workflowId: "a\0b" },
        { input: "text" as unknown as Uint8Array },
        { attributes: { n: Number.NaN } },
        { parent: { runId: owned.runId, operation: "" } },
      ];
      for (const fields of bad) {
        const results = await world.commit([commitOf(owned, 0, ["x"], { runs: [good, childOf(owned, fields)] }), commitOf(other, 0, [])]);
        assert.deepEqual(
          results.map(({ status }) => status),
          ["failed", "committed"],
        );
      }
      assert.deepEqual(await world.query.runsById([good.id]), []);
      assert.deepEqual((await world.load(owned.runId)).rows, []);
    },
  },
  {
    name: "runs are there before the commit's messages, and a message to a key goes to the run that has it",
    async run(lab) {
      const { world } = lab;
      const owned = await start(lab, "w1");
      const keyed = await create(world, { key: "k", dueAt: (await world.now()) + 90_000 });
      const child = childOf(owned, { key: "child", dueAt: (await world.now()) + 90_000 });
      const toKey = (key: string, id: string) => ({ id, to: { key }, kind: "wake", payload: bytes("p") });
      const messages = [messageTo(child.id, "by id"), toKey("child", "by key"), toKey("k", "m"), toKey("none", "m")];
      await mustCommit(world, commitOf(owned, 0, ["a"], { runs: [child], messages }));
      assert.deepEqual(await waitingOf(world, child.id), ["by id", "by key"]);
      assert.deepEqual((await world.load(keyed.id)).messages, [
        { runId: keyed.id, id: "m", kind: "wake", operation: null, payload: bytes("p") },
      ]);
      const due = (await claim(lab, "w2")).runs.map(({ run }) => run.id);
      assert.deepEqual(due.sort(), [child.id, keyed.id].sort());
    },
  },
  {
    name: "a message to a key is delivered once to a run, is not found where nobody has the key, and ends with the run",
    async run({ world }) {
      const run = await create(world, { key: "k" });
      const message = { id: "m", to: { key: "k" }, kind: "wake", payload: bytes("p") };
      const next = { ...message, id: "n" };
      assert.deepEqual(await world.deliver([message, message, messageTo(run.id, "m"), { ...message, to: { key: "none" } }]), [
        { status: "delivered", runId: run.id },
        { status: "duplicate", runId: run.id },
        { status: "duplicate", runId: run.id },
        { status: "not_found" },
      ]);
      await world.end(run.id, { status: "cancelled", output: null, note: null });
      assert.deepEqual(await world.deliver([next]), [{ status: "ended", runId: run.id }]);
      const replacing = await create(world, { key: "k", ifKeyExists: "replace" });
      assert.deepEqual(await world.deliver([message]), [{ status: "delivered", runId: replacing.id }]);
    },
  },
  {
    name: "two runs of one batch may start a run under one key: the first does, and the other is told of it",
    async run(lab) {
      const { world } = lab;
      const [one, two] = (await startMany(lab, "w1", 2)) as [Owned, Owned];
      const [first, second] = [childOf(one, { key: "k" }), childOf(two, { key: "k" })];
      const batch = [commitOf(one, 0, ["a"], { runs: [first] }), commitOf(two, 0, ["a"], { runs: [second] })];
      for (let attempt = 0; attempt < 2; attempt++) {
        assert.deepEqual(await world.commit(batch), [COMMITTED, { ...COMMITTED, existing: [{ id: second.id, runId: first.id }] }]);
      }
    },
  },
  {
    name: "a commit may replace a run whose own commit is in the same batch: before it that is fenced, behind it committed",
    async run(lab) {
      const { world } = lab;
      for (const order of ["before", "after"] as const) {
        const parent = await start(lab, "w1");
        const old = await start(lab, "w1", { id: childOf(parent).id, key: order });
        const replace = commitOf(parent, 0, ["a"], { runs: [childOf(parent, { key: order, ifKeyExists: "replace" })] });
        const own = commitOf(old, 0, ["b"]);
        const results = await world.commit(order === "before" ? [replace, own] : [own, replace]);
        assert.deepEqual(results, order === "before" ? [COMMITTED, { status: "fenced" }] : [COMMITTED, COMMITTED]);
        assert.equal((await recordOf(world, old.runId)).status, "cancelled");
      }
    },
  },
  {
    name: "a commit that starts runs hints at something due, and one that replaces at an end",
    async run(lab) {
      const { world } = lab;
      const [parent, old] = [await start(lab, "w1"), await start(lab, "w2", { key: "k" })];
      const heard: string[] = [];
      const unwatch = world.watch((hint) => void heard.push(hint.kind === "due" ? "due" : `${hint.kind} ${hint.runId}`));
      await mustCommit(world, commitOf(parent, 0, ["a"], { runs: [childOf(parent, { key: "k", ifKeyExists: "replace" })] }));
      await settle(() => heard.includes("due") && heard.includes(`ended ${old.runId}`));
      unwatch();
    },
  },
  {
    name: "commits that race a takeover start their runs exactly if they were committed (race 3)",
    async run(lab) {
      const { world } = lab;
      const other = await lab.open();
      const old = await startMany(lab, "w1", 30);
      await lab.pass(lab.leaseMs + 1);
      const children = old.map((owned) => childOf(owned, { dueAt: Date.now() + 9_000_000_000 }));
      const late = old.map((owned, index) => commit(world, commitOf(owned, 0, ["late"], { runs: [children[index]!] })));
      const request = { worker: "w2", limit: 10, leaseMs: lab.leaseMs };
      await Promise.all([other.claim(request), world.claim(request), other.claim(request)]);
      const results = await Promise.all(late);
      const landed = children.filter((_, index) => results[index]!.status === "committed").map(({ id }) => id);
      const there = (await world.query.runsById(children.map(({ id }) => id))).map(({ id }) => id);
      assert.deepEqual(there.sort(), landed.sort());
    },
  },
  {
    name: "of many commits that start a run under one key at the same time one does, and the others are told of it",
    async run(lab) {
      const worlds = await several(lab, 4);
      const parents = await startMany(lab, "w1", 24);
      const runs = parents.map((parent) => childOf(parent, { key: "k" }));
      const startOne = (owned: Owned, index: number): Commit => commitOf(owned, 0, ["a"], { runs: [runs[index]!] });
      const results = await Promise.all(parents.map((owned, index) => commit(worlds[index % 4]!, startOne(owned, index))));
      const { id } = (await lab.world.query.run({ key: "k" }))!;
      for (const [index, result] of results.entries()) {
        const asked = runs[index]!.id;
        assert.deepEqual(result, asked === id ? COMMITTED : { ...COMMITTED, existing: [{ id: asked, runId: id }] });
      }
    },
  },
];
