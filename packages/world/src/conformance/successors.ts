import assert from "node:assert/strict";
import type { Commit, NewRun } from "../index.ts";
import {
  childOf,
  bytes,
  type Case,
  claimOne,
  COMMITTED,
  commit,
  commitOf,
  continueAs,
  create,
  DONE,
  messageTo,
  mustCommit,
  newRun,
  type Owned,
  recordOf,
  settle,
  start,
  startMany,
  waitingOf,
} from "./lab.ts";

/** Runs that go on in the place of others. */
export const successors: readonly Case[] = [
  {
    name: "a run that ends may go on as another one, which has its key, its parent and its attributes",
    async run(lab) {
      const { world } = lab;
      const parent = { runId: newRun().id, operation: "op" };
      const owned = await start(lab, "w1", { key: "k", parent, attributes: { plan: "pro", seats: 3 } });
      const successor = childOf(owned, { workflowId: "app#next", version: "v2", input: bytes("next") });
      const patch = { status: "completed", output: bytes("out"), attributes: { seats: 4 } } as const;
      await mustCommit(world, commitOf(owned, 0, ["a"], { patch, successor }));
      const [old, next] = [await recordOf(world, owned.runId), await recordOf(world, successor.id)];
      const attributes = { plan: "pro", seats: 4 };
      assert.deepEqual([old.status, old.key, old.successor, old.attributes], ["completed", null, successor.id, attributes]);
      const { createdAt, dueAt, ...rest } = next;
      assert.ok(dueAt === createdAt);
      const { id, workflowId, version, input } = successor;
      const open = { status: "running", output: null, note: null, owner: null, fence: 0, endedAt: null, successor: null };
      assert.deepEqual(rest, { id, key: "k", workflowId, version, input, parent, attributes, ...open });
      assert.deepEqual(await world.query.run({ key: "k" }), next);
      assert.deepEqual(
        (await world.query.runs({ parent: parent.runId })).runs.map((run) => run.id),
        [id, owned.runId],
      );
      assert.equal((await claimOne(lab, "w2")).runId, id);
    },
  },
  {
    name: "a successor keeps the attributes and the due time that it was given, and none is an answer",
    async run(lab) {
      const { world } = lab;
      const later = (await world.now()) + 90_000;
      for (const attributes of [{ plan: "free" }, {}]) {
        const owned = await start(lab, "w1", { attributes: { plan: "pro", seats: 3 } });
        const successor = childOf(owned, { attributes, dueAt: later });
        await mustCommit(world, commitOf(owned, 0, ["a"], { ...DONE, successor }));
        const record = await recordOf(world, successor.id);
        assert.deepEqual([record.attributes, record.dueAt, record.key, record.parent], [attributes, later, null, null]);
      }
    },
  },
  {
    name: "a successor needs a terminal status, no key, no parent and an id of its own, else its commit fails alone",
    async run(lab) {
      const { world } = lab;
      const [owned, other] = (await startMany(lab, "w1", 2, { key: null })) as [Owned, Owned];
      const existing = await create(world, { key: "k" });
      const parent = { runId: other.runId, operation: "op" };
      const successor = childOf(owned);
      const bad: readonly Partial<Commit>[] = [
        { successor },
        { patch: { status: "running" }, successor },
        ...[{ key: "k" }, { parent }, { id: "no uuid" }, { id: owned.runId }, { id: other.runId }, { id: existing.id }].map((fields) => ({
          ...DONE,
          successor: childOf(owned, fields),
        })),
        { ...DONE, runs: [successor], successor },
      ];
      for (const rest of bad) {
        const results = await world.commit([commitOf(owned, 0, ["x"], rest), commitOf(other, 0, [])]);
        assert.deepEqual(
          results.map(({ status }) => status),
          ["failed", "committed"],
        );
        assert.deepEqual([(await world.load(owned.runId)).rows, (await recordOf(world, owned.runId)).status], [[], "running"]);
      }
      assert.deepEqual(await recordOf(world, existing.id), existing);
      assert.deepEqual(await world.query.runsById([successor.id]), []);
    },
  },
  {
    name: "a commit that is fenced or behind creates no successor, and takes no key",
    async run(lab) {
      const { world } = lab;
      const owned = await start(lab, "w1", { key: "k" });
      await world.deliver([messageTo(owned.runId, "m")]);
      const successor = childOf(owned);
      const refused = [
        commitOf({ ...owned, fence: 7 }, 0, ["x"], { ...DONE, successor }),
        commitOf(owned, 3, ["x"], { ...DONE, successor }),
      ];
      for (const [index, one] of refused.entries()) assert.equal((await commit(world, one)).status, ["fenced", "behind"][index]);
      assert.deepEqual(await world.query.runsById([successor.id]), []);
      assert.equal((await world.query.run({ key: "k" }))?.id, owned.runId);
      assert.deepEqual(await waitingOf(world, owned.runId), ["m"]);
    },
  },
  {
    name: "the retry of a commit with a successor changes nothing, with rows or without, also when the successor is over",
    async run(lab) {
      const { world } = lab;
      for (const rows of [["a"], []]) {
        const owned = await start(lab, "w1", { key: `k${rows.length}` });
        await world.deliver([messageTo(owned.runId, "m")]);
        const successor = childOf(owned);
        const one = commitOf(owned, 0, rows, { ...DONE, successor });
        for (let attempt = 0; attempt < 2; attempt++) await mustCommit(world, one);
        assert.deepEqual(await waitingOf(world, successor.id), ["m"]);
        const taken = await claimOne(lab, "w1");
        await mustCommit(world, commitOf(taken, 0, ["b"], { ...DONE, consumed: ["m"] }));
        const records = [await recordOf(world, owned.runId), await recordOf(world, successor.id)];
        await mustCommit(world, one);
        assert.deepEqual([await recordOf(world, owned.runId), await recordOf(world, successor.id)], records);
        assert.deepEqual(await waitingOf(world, successor.id), []);
      }
    },
  },
  {
    name: "a successor takes over the unconsumed messages to the run itself, in order, and is due by them; others are dropped",
    async run(lab) {
      const { world } = lab;
      const owned = await start(lab, "w1", { key: "k" });
      await mustCommit(world, commitOf(owned, 0, ["a"], { hooks: [{ token: "t", operation: "op", metadata: null }] }));
      const payload = Uint8Array.from({ length: 256 }, (_, index) => index);
      await world.deliver([
        messageTo(owned.runId, "consumed"),
        messageTo(owned.runId, "b"),
        { id: "hooked", to: { token: "t" }, kind: "hook", payload },
        { id: "a", to: { key: "k" }, kind: "cancel", payload },
      ]);
      const successor = childOf(owned, { dueAt: (await world.now()) + 90_000 });
      const messages = [messageTo(owned.runId, "to the ended"), messageTo(successor.id, "sent")];
      await mustCommit(world, commitOf(owned, 1, ["b"], { ...DONE, consumed: ["consumed"], successor, messages }));
      assert.deepEqual((await world.load(owned.runId)).messages, []);
      const { id: runId } = successor;
      assert.deepEqual((await world.load(runId)).messages, [
        { runId, id: "b", kind: "wake", operation: null, payload: bytes("payload") },
        { runId, id: "a", kind: "cancel", operation: null, payload },
        { runId, id: "to the ended", kind: "wake", operation: null, payload: bytes("payload") },
        { runId, id: "sent", kind: "wake", operation: null, payload: bytes("payload") },
      ]);
      assert.equal(await world.query.hook("t"), null);
      const taken = await claimOne(lab, "w1");
      assert.equal(taken.runId, runId);
      await mustCommit(world, commitOf(taken, 0, ["x"], { consumed: ["b", "a", "to the ended", "sent"], patch: { dueAt: null } }));
      assert.deepEqual([await waitingOf(world, runId), (await recordOf(world, runId)).dueAt], [[], null]);
    },
  },
  {
    name: "a message that was delivered before is a duplicate to the run that ended, and to the successor that took it over",
    async run(lab) {
      const { world } = lab;
      const owned = await start(lab, "w1");
      await world.deliver([messageTo(owned.runId, "m"), messageTo(owned.runId, "consumed")]);
      const next = await continueAs(lab, owned, 0, { consumed: ["consumed"] });
      const repeated = [owned, next].map(({ runId }) => messageTo(runId, "m"));
      assert.deepEqual(await world.deliver([...repeated, messageTo(owned.runId, "new"), messageTo(next.runId, "consumed")]), [
        { status: "duplicate", runId: owned.runId },
        { status: "duplicate", runId: next.runId },
        { status: "delivered", runId: next.runId },
        { status: "delivered", runId: next.runId },
      ]);
      await mustCommit(world, commitOf(next, 0, ["a"], { consumed: ["m"] }));
      assert.deepEqual(
        await world.deliver(repeated),
        [owned, next].map(({ runId }) => ({ status: "duplicate", runId })),
      );
    },
  },
  {
    name: "a run that went on as another holds its hooks, state and history no longer than any run that is over",
    async run(lab) {
      const { world } = lab;
      const owned = await start(lab, "w1");
      const hooks = [{ token: "t", operation: "op", metadata: null }];
      await mustCommit(world, commitOf(owned, 0, ["a"], { hooks, state: [{ key: "s", value: bytes("1") }] }));
      const next = await continueAs(lab, owned, 1);
      const page = await world.load(next.runId);
      assert.deepEqual([page.rows, page.hooks, await world.query.state(next.runId)], [[], [], []]);
      await mustCommit(world, commitOf(next, 0, ["a"], { hooks }));
      assert.equal((await world.query.hook("t"))?.runId, next.runId);
      assert.equal((await world.query.state(owned.runId)).length, 1);
      assert.deepEqual(await world.commit([commitOf(owned, 2, ["late"])]), [{ status: "fenced" }]);
    },
  },
  {
    name: "a key goes along a chain of successors, and creations and replacements meet the last one",
    async run(lab) {
      const { world } = lab;
      let owned = await start(lab, "w1", { key: "k" });
      const chain = [owned.runId];
      for (let link = 0; link < 4; link++) chain.push((owned = await continueAs(lab, owned, 0)).runId);
      const last = chain.at(-1)!;
      assert.equal((await world.query.run({ key: "k" }))?.id, last);
      const again = await world.createRuns([newRun({ key: "k" })]);
      assert.deepEqual([again[0]!.created, again[0]!.run.id], [false, last]);
      const records = await Promise.all(chain.map((id) => recordOf(world, id)));
      assert.deepEqual(
        records.map(({ successor }) => successor),
        [...chain.slice(1), null],
      );
      const [replaced] = await world.createRuns([newRun({ key: "k", ifKeyExists: "replace" })]);
      assert.equal(replaced!.replaced, last);
      const { status, successor } = await recordOf(world, last);
      assert.deepEqual([status, successor], ["cancelled", null]);
    },
  },
  {
    name: "a commit may free its run's key for one that it starts; the successor then has none",
    async run(lab) {
      const { world } = lab;
      const owned = await start(lab, "w1", { key: "k" });
      const [child, successor] = [childOf(owned, { key: "k", ifKeyExists: "replace" }), childOf(owned)];
      await mustCommit(world, commitOf(owned, 0, ["a"], { ...DONE, runs: [child], successor }));
      const { status, key } = await recordOf(world, owned.runId);
      assert.deepEqual([status, key, (await recordOf(world, successor.id)).key], ["completed", null, null]);
      assert.equal((await world.query.run({ key: "k" }))?.id, child.id);
    },
  },
  {
    name: "a run that the commit starts under its run's own key is not created, and the successor has the key",
    async run(lab) {
      const { world } = lab;
      const owned = await start(lab, "w1", { key: "k" });
      const [child, successor] = [childOf(owned, { key: "k" }), childOf(owned)];
      const one = commitOf(owned, 0, ["a"], { ...DONE, runs: [child], successor });
      for (let attempt = 0; attempt < 2; attempt++) {
        assert.deepEqual(await commit(world, one), { ...COMMITTED, existing: [{ id: child.id, runId: successor.id }] });
      }
    },
  },
  {
    name: "a commit with a successor hints at an end and at something due",
    async run(lab) {
      const { world } = lab;
      const owned = await start(lab, "w1");
      const heard: string[] = [];
      const unwatch = world.watch((hint) => void heard.push(hint.kind === "due" ? "due" : `${hint.kind} ${hint.runId}`));
      await mustCommit(world, commitOf(owned, 0, ["a"], { ...DONE, successor: childOf(owned) }));
      await settle(() => heard.includes("due") && heard.includes(`ended ${owned.runId}`));
      unwatch();
    },
  },
  {
    name: "a message that races an end with a successor is never lost: one of the two runs has it, or its sender knows",
    async run(lab) {
      const { world } = lab;
      const other = await lab.open();
      const runs = await startMany(lab, "w1", 30);
      const next = runs.map((run): NewRun => childOf(run));
      const ends = runs.map((owned, index) => commit(world, commitOf(owned, 0, ["a"], { ...DONE, successor: next[index]! })));
      const sent = await other.deliver(runs.map(({ runId }) => messageTo(runId, "m")));
      assert.ok((await Promise.all(ends)).every(({ status }) => status === "committed"));
      for (const [index, { status }] of sent.entries()) {
        assert.deepEqual(await waitingOf(world, next[index]!.id), status === "delivered" ? ["m"] : []);
      }
    },
  },
  {
    name: "a message to a run that went on reaches the last of its successors, and is a duplicate where an earlier one had it",
    async run(lab) {
      const { world } = lab;
      const first = await start(lab, "w1");
      await world.deliver([messageTo(first.runId, "early")]);
      const second = childOf(first);
      await mustCommit(world, commitOf(first, 0, ["a"], { ...DONE, successor: second, consumed: ["early"] }));
      const last = await continueAs(lab, await claimOne(lab, "w1"), 0);
      assert.deepEqual(
        await world.deliver([messageTo(first.runId, "late"), messageTo(first.runId, "early"), messageTo(second.id, "late")]),
        [
          { status: "delivered", runId: last.runId },
          { status: "duplicate", runId: first.runId },
          { status: "duplicate", runId: last.runId },
        ],
      );
      assert.deepEqual(await waitingOf(world, last.runId), ["late"]);
      await mustCommit(world, commitOf(last, 0, ["a"], DONE));
      assert.deepEqual(await world.deliver([messageTo(first.runId, "later")]), [{ status: "ended", runId: last.runId }]);
    },
  },
];
