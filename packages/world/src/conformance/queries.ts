import assert from "node:assert/strict";
import type { QueryRunsRequest, World } from "../index.ts";
import { type Case, commitOf, create, mustCommit, newRun, recordOf, rejectsWith, start, uuid } from "./lab.ts";

/** The ids of all runs that match, page by page. */
export async function allPages(world: World, request: QueryRunsRequest): Promise<string[]> {
  const ids: string[] = [];
  let cursor: string | null = null;
  do {
    const page = await world.query.runs(cursor === null ? request : { ...request, cursor });
    assert.ok(page.runs.length <= (request.limit ?? 100));
    ids.push(...page.runs.map(({ id }) => id));
    cursor = page.cursor;
  } while (cursor !== null);
  return ids;
}

export const queries: readonly Case[] = [
  {
    name: "a run is found by its id and by its key; others are null",
    async run({ world }) {
      const run = await create(world, { key: "k" });
      assert.deepEqual(await world.query.run({ id: run.id }), run);
      assert.deepEqual(await world.query.run({ key: "k" }), run);
      assert.equal(await world.query.run({ id: uuid() }), null);
      assert.equal(await world.query.run({ key: "K" }), null);
      assert.equal(await world.query.run({ id: "no uuid" }), null);
    },
  },
  {
    name: "many runs are found by their ids, each once, without those that do not exist",
    async run({ world }) {
      const runs = [await create(world), await create(world), await create(world)];
      const found = await world.query.runsById([runs[2]!.id, uuid(), runs[0]!.id, runs[2]!.id]);
      assert.deepEqual(found.map(({ id }) => id).sort(), [runs[0]!.id, runs[2]!.id].sort());
      assert.deepEqual(await world.query.runsById([]), []);
      const many = Array.from({ length: 1500 }, () => newRun());
      await world.createRuns(many);
      assert.equal((await world.query.runsById(many.map(({ id }) => id))).length, many.length);
    },
  },
  {
    name: "runs are listed newest first, in pages that neither repeat nor leave out one",
    async run({ world }) {
      const ids: string[] = [];
      for (let index = 0; index < 7; index++) ids.unshift((await create(world)).id);
      assert.deepEqual(await allPages(world, {}), ids);
      for (const limit of [1, 2, 3, 7, 8]) assert.deepEqual(await allPages(world, { limit }), ids);
    },
  },
  {
    name: "a page that was begun goes on where it stopped when newer runs come and older ones change",
    async run(lab) {
      const first = await start(lab, "w1");
      const ids = [first.runId];
      for (let index = 0; index < 3; index++) ids.unshift((await create(lab.world)).id);
      const page = await lab.world.query.runs({ limit: 2 });
      await create(lab.world);
      await mustCommit(lab.world, commitOf(first, 0, ["a"], { patch: { status: "completed" } }));
      const rest = await lab.world.query.runs({ limit: 2, cursor: page.cursor! });
      assert.deepEqual(
        [...page.runs, ...rest.runs].map(({ id }) => id),
        ids,
      );
      assert.equal(rest.cursor, null);
    },
  },
  {
    name: "runs are listed by status and by workflow, and by both",
    async run(lab) {
      const made: { id: string; status: string; workflowId: string }[] = [];
      for (const status of ["completed", "failed", "cancelled", "running"] as const) {
        for (const workflowId of ["a#x", "a#y"]) {
          const owned = await start(lab, "w1", { workflowId });
          await mustCommit(lab.world, commitOf(owned, 0, ["a"], { patch: { status } }));
          made.unshift({ id: owned.runId, status, workflowId });
        }
      }
      const expect = (keep: (run: (typeof made)[0]) => boolean): string[] => made.filter(keep).map(({ id }) => id);
      for (const limit of [1, 100]) {
        assert.deepEqual(
          await allPages(lab.world, { limit, status: "failed" }),
          expect(({ status }) => status === "failed"),
        );
        assert.deepEqual(
          await allPages(lab.world, { limit, workflowId: "a#y" }),
          expect(({ workflowId }) => workflowId === "a#y"),
        );
        const both = await allPages(lab.world, { limit, status: "running", workflowId: "a#x" });
        assert.deepEqual(
          both,
          expect(({ status, workflowId }) => status === "running" && workflowId === "a#x"),
        );
        assert.deepEqual(await allPages(lab.world, { limit, workflowId: "a#z" }), []);
      }
    },
  },
  {
    name: "the children of a run are listed by their parent, which need not exist, also when they are over",
    async run(lab) {
      const { world } = lab;
      const [parent, ghost] = [(await create(world)).id, uuid()];
      const operation = "step 1";
      const child = await start(lab, "w1", { parent: { runId: parent, operation } });
      const other = await create(world, { parent: { runId: parent, operation: "step 2" }, workflowId: "app#other", key: "k" });
      const orphan = await create(world, { parent: { runId: ghost, operation } });
      await create(world, { parent: null });
      await mustCommit(world, commitOf(child, 0, ["a"], { patch: { status: "completed" } }));
      assert.deepEqual(other.parent, { runId: parent, operation: "step 2" });
      assert.deepEqual(await recordOf(world, other.id), other);
      assert.deepEqual((await recordOf(world, child.runId)).parent, { runId: parent, operation });
      const pages: [QueryRunsRequest, string[]][] = [
        [{ parent }, [other.id, child.runId]],
        [{ parent, status: "completed" }, [child.runId]],
        [{ parent, workflowId: "app#other" }, [other.id]],
        [{ parent: ghost }, [orphan.id]],
        [{ parent: child.runId }, []],
        [{ parent: "nobody" }, []],
      ];
      for (const [request, ids] of pages) {
        for (const limit of [1, 100]) assert.deepEqual(await allPages(world, { ...request, limit }), ids);
      }
      for (const bad of [
        { runId: "NOT-A-UUID", operation },
        { runId: parent, operation: "" },
      ]) {
        await rejectsWith("WORLD_INVALID_ARGUMENT", world.createRuns([newRun({ parent: bad })]));
      }
    },
  },
  {
    name: "a page without runs, with too many, or behind a cursor that is none, is refused",
    async run({ world }) {
      for (const limit of [0, 1001, 1.5]) await rejectsWith("WORLD_INVALID_ARGUMENT", world.query.runs({ limit }));
      await rejectsWith("WORLD_INVALID_ARGUMENT", world.query.runs({ cursor: "not a cursor" }));
    },
  },
];
