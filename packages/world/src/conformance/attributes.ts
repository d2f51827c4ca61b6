import assert from "node:assert/strict";
import type { Attributes, AttributeValue, QueryRunsRequest } from "../index.ts";
import { type Case, commit, commitOf, create, historyOf, type Lab, mustCommit, newRun, recordOf, rejectsWith, start } from "./lab.ts";
import { allPages } from "./queries.ts";

/** So many attributes with different names. */
function many(count: number, from = 0): Attributes {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`a${from + index}`, index]));
}

async function found(lab: Lab, attributes: Attributes, rest: QueryRunsRequest = {}): Promise<string[]> {
  const pages = [await allPages(lab.world, { ...rest, attributes, limit: 1 }), await allPages(lab.world, { ...rest, attributes })];
  assert.deepEqual(pages[0], pages[1]);
  return pages[0]!;
}

const REFUSED: readonly Record<string, unknown>[] = [
  many(65) as Record<string, unknown>,
  { "": 1 },
  { ["n".repeat(129)]: 1 },
  { "a\0b": 1 },
  { "\ud800": 1 },
  { long: "x".repeat(1025) },
  { nul: "a\0b" },
  { lone: "\udc00" },
  { number: Number.NaN },
  { number: Infinity },
  { nothing: undefined },
  { object: {} },
  { big: 1n },
];

export const attributes: readonly Case[] = [
  {
    name: "a run keeps the attributes with which it was created, with their types, and shows them everywhere",
    async run(lab) {
      const given: Attributes = {
        plan: "pro",
        "ключ 🔑": "größer 🚀\n\"'%_\\",
        empty: "",
        seats: 3,
        price: 0.1 + 0.2,
        huge: 1e300,
        small: -5e-324,
        zero: 0,
        yes: true,
        no: false,
        constructor: "own",
        ["n".repeat(128)]: "x".repeat(1024),
      };
      const run = await create(lab.world, { key: "k", attributes: given });
      assert.deepEqual(run.attributes, given);
      assert.deepEqual(await recordOf(lab.world, run.id), run);
      const [again] = await lab.world.createRuns([newRun({ key: "k", attributes: { other: 1 } })]);
      assert.deepEqual(again, { run, created: false, replaced: null });
      const { runs } = await lab.world.claim({ worker: "w1", limit: 1, leaseMs: lab.leaseMs });
      assert.deepEqual(runs[0]!.run.attributes, given);
      assert.deepEqual((await create(lab.world, { attributes: { zero: -0 } })).attributes, { zero: 0 });
    },
  },
  {
    name: "a patch merges attributes one by one: it adds, changes also the type, and null removes",
    async run(lab) {
      const owned = await start(lab, "w1", { attributes: { keep: "k", change: 1, remove: true } });
      const attributes = { change: "1", add: false, remove: null, "never there": null };
      await mustCommit(lab.world, commitOf(owned, 0, ["a"], { patch: { attributes } }));
      const merged = { keep: "k", change: "1", add: false };
      assert.deepEqual((await recordOf(lab.world, owned.runId)).attributes, merged);
      await mustCommit(lab.world, commitOf(owned, 1, ["b"], { patch: { note: "n", attributes: {} } }));
      assert.deepEqual((await recordOf(lab.world, owned.runId)).attributes, merged);
      for (const [query, count] of [
        [{ remove: true }, 0],
        [{ change: 1 }, 0],
        [{ change: "1" }, 1],
        [{ add: false }, 1],
      ] as const) {
        assert.equal((await found(lab, query as unknown as Attributes)).length, count);
      }
      await mustCommit(lab.world, commitOf(owned, 2, ["c"], { patch: { status: "completed", attributes: { add: null, last: 1 } } }));
      assert.deepEqual((await recordOf(lab.world, owned.runId)).attributes, { keep: "k", change: "1", last: 1 });
      assert.deepEqual(await found(lab, { keep: "k", last: 1 }), [owned.runId]);
    },
  },
  {
    name: "runs are found that have all attributes, each equal in type and value, newest first and in pages",
    async run(lab) {
      const made: { id: string; attributes: Attributes; workflowId: string }[] = [];
      const values: readonly AttributeValue[] = ["1", 1, true, "true", "", 0, false, "A", "a", "a ", 1.5];
      for (const value of values) {
        for (const plan of ["free", "pro"]) {
          const attributes = { value, plan };
          const workflowId = `app#${plan}`;
          made.unshift({ id: (await create(lab.world, { attributes, workflowId })).id, attributes, workflowId });
        }
      }
      await create(lab.world);
      const expect = (keep: (attributes: Attributes) => boolean): string[] =>
        made.filter((run) => keep(run.attributes)).map(({ id }) => id);
      for (const value of values) {
        const alone = expect((attributes) => attributes.value === value);
        assert.equal(alone.length, 2);
        assert.deepEqual(await found(lab, { value }), alone);
        const both = expect((attributes) => attributes.value === value && attributes.plan === "pro");
        assert.deepEqual(await found(lab, { value, plan: "pro" }), both);
        assert.deepEqual(await found(lab, { plan: "pro", value }), both);
      }
      const pro = expect(({ plan }) => plan === "pro");
      assert.deepEqual(await found(lab, { plan: "pro" }), pro);
      assert.deepEqual(await found(lab, { plan: "pro" }, { workflowId: "app#pro", status: "running" }), pro);
      assert.deepEqual(await found(lab, { plan: "pro" }, { workflowId: "app#free" }), []);
      assert.deepEqual(await found(lab, { plan: "pro" }, { status: "failed" }), []);
      for (const nothing of [{ plan: "PRO" }, { Plan: "pro" }, { plan: "pro", other: 1 }, { value: 2 }]) {
        assert.deepEqual(await found(lab, nothing as unknown as Attributes), []);
      }
      assert.equal((await found(lab, {})).length, made.length + 1);
    },
  },
  {
    name: "children are found by their attributes",
    async run(lab) {
      const parent = { runId: (await create(lab.world)).id, operation: "op" };
      const child = await create(lab.world, { parent, attributes: { plan: "pro", seat: 1 } });
      await create(lab.world, { parent, attributes: { plan: "free" } });
      await create(lab.world, { attributes: { plan: "pro" } });
      assert.deepEqual(await found(lab, { plan: "pro" }, { parent: parent.runId }), [child.id]);
      assert.deepEqual(await found(lab, { plan: "pro", seat: 1 }, { parent: parent.runId }), [child.id]);
      assert.deepEqual(await found(lab, { plan: "pro", seat: 2 }, { parent: parent.runId }), []);
    },
  },
  {
    name: "attributes that no World may store are refused: with all runs that were to be created, in a commit alone, and in a query",
    async run(lab) {
      const owned = await start(lab, "w1", { attributes: { plan: "pro" } });
      const before = await recordOf(lab.world, owned.runId);
      const good = newRun();
      for (const one of REFUSED) {
        const bad = one as Attributes;
        await rejectsWith("WORLD_INVALID_ARGUMENT", lab.world.createRuns([good, newRun({ attributes: bad })]));
        await rejectsWith("WORLD_INVALID_ARGUMENT", lab.world.query.runs({ attributes: bad }));
        const result = await commit(lab.world, commitOf(owned, 0, ["x"], { patch: { note: "n", attributes: bad } }));
        assert.ok(result.status === "failed" && /attribute/.test(result.error.message), Object.keys(bad)[0]);
      }
      await rejectsWith("WORLD_INVALID_ARGUMENT", lab.world.createRuns([newRun({ attributes: { none: null } as unknown as Attributes })]));
      assert.equal(await lab.world.query.run({ id: good.id }), null);
      assert.deepEqual(await recordOf(lab.world, owned.runId), before);
      assert.deepEqual(await historyOf(lab.world, owned.runId), []);
    },
  },
  {
    name: "a run has at most 64 attributes, however they came; what a patch removes makes room for what it adds",
    async run(lab) {
      const owned = await start(lab, "w1", { attributes: many(60) });
      const patch = async (base: number, attributes: Record<string, AttributeValue | null>): Promise<string> =>
        (await commit(lab.world, commitOf(owned, base, ["x"], { patch: { attributes } }))).status;
      assert.equal(await patch(0, many(5, 60)), "failed");
      assert.deepEqual((await recordOf(lab.world, owned.runId)).attributes, many(60));
      assert.deepEqual(await historyOf(lab.world, owned.runId), []);
      assert.equal(await patch(0, many(6, 58)), "committed");
      assert.equal(await patch(1, { one: 1 }), "failed");
      assert.equal(await patch(1, { one: 1, unknown: null }), "failed");
      assert.equal(await patch(1, { one: 1, a0: null }), "committed");
      assert.equal(Object.keys((await recordOf(lab.world, owned.runId)).attributes).length, 64);
      // The retry of a commit is known before it is counted (race 4).
      assert.equal(await patch(1, { one: 1, a0: null }), "committed");
    },
  },
  {
    name: "a commit that is fenced or behind changes no attribute (race 3)",
    async run(lab) {
      const owned = await start(lab, "w1", { attributes: { plan: "pro" } });
      const patch = { attributes: { plan: null, stolen: true } };
      assert.equal((await commit(lab.world, commitOf({ ...owned, fence: 9 }, 0, ["x"], { patch }))).status, "fenced");
      assert.equal((await commit(lab.world, commitOf(owned, 4, ["x"], { patch }))).status, "behind");
      assert.deepEqual((await recordOf(lab.world, owned.runId)).attributes, { plan: "pro" });
      assert.deepEqual(await found(lab, { stolen: true }), []);
    },
  },
];
