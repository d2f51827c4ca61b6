// The beginning of a run: what needs no commit of its own, and what comes out the same when a process dies in it.
import type { Commit, CommitResult, NewRun, World } from "@perdure/world";
import { createMemoryWorld } from "@perdure/world/memory";
import { v7 as uuid } from "uuid";
import { expect, test } from "vitest";

import { getRun, start } from "../src/api/index.ts";
import { step } from "../src/internal.ts";
import { encodeRunInput } from "../src/run-input.ts";
import { setWorld } from "../src/runtime.ts";
import { readRows } from "../src/worker/replay.ts";
import { bundleOf, workflowOf } from "./support/bundle.ts";
import { anotherWorker, gate, until, useWorld, without, wrap } from "./support/lab.ts";

const begun: string[] = [];
const first = gate();
step("bg#begin", async (name: string) => void begun.push(name), "begin");
step("bg#hold", async (name: string) => (begun.push(name), first.opened), "hold");
step(
  "bg#once",
  Object.assign(async (name: string) => void begun.push(name), { options: { atMostOnce: true } }),
  "once",
);

/** A World that takes no commit before it is let, nor one with a new run. */
function closed(world: World): { readonly world: World; readonly commits: Commit[]; open(): void } {
  const { opened, open } = gate();
  const commits: Commit[] = [];
  const commit = async (batch: readonly Commit[]): Promise<CommitResult[]> => {
    commits.push(...batch);
    await opened;
    return world.commit(batch);
  };
  const createRuns: World["createRuns"] = async (runs, options) =>
    world.createRuns(
      runs.map((run) => without(run, "beginning")),
      options,
    );
  return { world: wrap(world, { commit, createRuns }), commits, open };
}

test("a first step begins while the World takes no commit, and no second one does", async () => {
  const shared = createMemoryWorld();
  const { world, open } = closed(shared);
  await useWorld({}, world);
  const flow = workflowOf("bg#two", `async()=>{await callStep("bg#begin",["one"]);await callStep("bg#begin",["two"])}`);
  const run = await start(flow, []);
  await until(() => begun.includes("one"), "the first step");
  await new Promise((resolve) => setTimeout(resolve, 30));
  expect(begun).toEqual(["one"]);
  open();
  await run.returnValue;
  expect(begun).toEqual(["one", "two"]);
  const { rows } = await shared.load(run.runId);
  expect(readRows(rows).map(({ event }) => event.type)).toEqual(["run_started", "step_completed", "step_completed"]);
});

test.each([
  ["says something", `async()=>{console.log("hello");await callStep("bg#begin",["never"])}`],
  ["publishes something", `async()=>{publish("k",1);await callStep("bg#begin",["never"])}`],
  ["waits for a hook", `async()=>{const h=createHook({token:"bg"});await callStep("bg#begin",["never"]);await h}`],
  ["has only one attempt", `async()=>callStep("bg#once",["never"])`],
  ["may be ended by a time", `async()=>Promise.race([callStep("bg#begin",["never"]),sleep(5)])`],
])("nothing begins before the first commit of a run that %s", async (_, body) => {
  const { world, commits } = closed(createMemoryWorld());
  await useWorld({}, world);
  await start(workflowOf(`bg#${_}`, body), []);
  await until(() => commits.length === 1, "the commit");
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(begun).not.toContain("never");
});

test("the row of a first step that takes long is written while it is under way", async () => {
  const { world } = await useWorld({}, createMemoryWorld());
  const run = await start(workflowOf("bg#long", `async()=>callStep("bg#hold",["long"])`), []);
  await until(async () => (await world.load(run.runId)).rows.length === 1, "the row");
  expect(begun).toContain("long");
  first.open();
  await run.returnValue;
  expect((await world.load(run.runId)).rows).toHaveLength(2);
});

/** A run as a process that died left it: created by nobody's worker, or claimed, and without history. */
async function abandoned(world: World, startAt: number | null, madeAt: number): Promise<NewRun> {
  const { code, version, map } = bundleOf("async()=>Date.now()");
  await world.code.put(version, Buffer.from(JSON.stringify({ code, map })));
  const input = encodeRunInput({ seed: "0".repeat(32), args: "j[]", deadlineAt: null, startAt, address: null });
  const run = { id: uuid({ msecs: madeAt }), key: null, workflowId: "bg#now", version, input, dueAt: startAt };
  await world.createRuns([run]);
  return run;
}

test("a run that a process may have begun begins at the same time in the next one; others begin when they do", async () => {
  const shared = createMemoryWorld();
  await setWorld(shared);
  const before = Date.now();
  const anHourAgo = before - 3_600_000;
  const [claimed, timed] = [await abandoned(shared, null, anHourAgo), await abandoned(shared, before - 1000, anHourAgo)];
  await shared.heartbeat("dead", 1);
  const taken = await shared.claim({ worker: "dead", limit: 10, leaseMs: 1 });
  expect(taken.runs.map(({ run }) => run.fence)).toEqual([1, 1]);
  const unclaimed = await abandoned(shared, null, anHourAgo);
  await anotherWorker(shared);
  const beganAt = async ({ id }: NewRun): Promise<unknown> => getRun(id).returnValue;
  expect(await beganAt(claimed)).toBe(anHourAgo);
  expect(await beganAt(timed)).toBeGreaterThanOrEqual(before);
  expect(await beganAt(unclaimed)).toBeGreaterThanOrEqual(before);
});
