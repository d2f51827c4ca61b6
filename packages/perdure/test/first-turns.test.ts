// What a run begins with is stored with it: what that is good for, and what is left of it when the creation fails, is unknown, or meets an end of the worker.
import { WorldError, type Commit, type CreatedRun, type NewRun, type World } from "@perdure/world";
import { createMemoryWorld } from "@perdure/world/memory";
import { expect, test } from "vitest";

import { getHookByToken, resumeHook, start } from "../src/api/index.ts";
import { step } from "../src/internal.ts";
import { runningWorker } from "../src/runtime.ts";
import { readRows } from "../src/worker/replay.ts";
import type { WorkerEvent } from "../src/worker/observe/observer.ts";
import { workflowOf } from "./support/bundle.ts";
import { anotherWorker, gate, until, useWorld, without, wrap } from "./support/lab.ts";
import { worlds } from "./support/worlds.ts";

const called: string[] = [];
step("ft#call", async (name: string) => void called.push(name), "call");

type Create = World["createRuns"];

/** A World that tells of what it is asked, and creates runs as it is told. */
function watched(
  create: (world: World, ...args: Parameters<Create>) => ReturnType<Create> = (world, ...args) => world.createRuns(...args),
) {
  const shared = createMemoryWorld();
  const commits: Commit[] = [];
  const created: NewRun[] = [];
  const world = wrap(shared, {
    commit: async (batch) => (commits.push(...batch), shared.commit(batch)),
    createRuns: async (runs, options) => (created.push(...runs), create(shared, runs, options)),
  });
  return { shared, world, commits, created };
}

const waits = (token: string): string => `async()=>{const {n}=await createHook({token:"${token}"});return n+1}`;

test.each(worlds)("%s: the hook with which a run begins can be reached when start() resolves", async (_, create) => {
  const inner = create();
  const commits: Commit[] = [];
  const { world } = await useWorld({}, wrap(inner, { commit: async (batch) => (commits.push(...batch), inner.commit(batch)) }));
  for (let round = 0; round < 20; round++) {
    const token = `reach-${round}`;
    const run = await start<[], number>(workflowOf(`ft#reach${round}`, waits(token)), []);
    expect((await getHookByToken(token)).runId).toBe(run.runId);
    expect(commits.filter(({ runId }) => runId === run.runId)).toEqual([]);
    await resumeHook(token, { n: round });
    expect(await run.returnValue).toBe(round + 1);
  }
  expect(await world.query.hook("reach-0")).toBeNull();
});

test("a run that begins by sleeping is created, and nothing else, until it wakes up", async () => {
  const { world, shared, commits, created } = watched();
  await useWorld({}, world);
  const run = await start(workflowOf("ft#sleeps", `async()=>{await sleep(60);return "slept"}`), []);
  expect(created.map(({ beginning }) => beginning?.rows.length)).toEqual([1]);
  expect(commits).toEqual([]);
  const record = await shared.query.run({ id: run.runId });
  expect(record?.dueAt).toBeGreaterThan(record!.createdAt);
  expect(record?.note).toMatch(/^sleeps until/);
  expect(await run.returnValue).toBe("slept");
  const { rows } = await shared.load(run.runId);
  expect(readRows(rows).map(({ event }) => event.type)).toEqual(["run_started", "wait_completed"]);
  expect(commits.map(({ base }) => base)).toEqual([1]);
});

test.each([
  ["steps", `async()=>callStep("ft#call",["plain"])`],
  ["an end", `async()=>7`],
  ["published state", `async()=>{publish("k",1);await sleep(5)}`],
  ["attributes", `async()=>{setAttributes({a:1});await sleep(5)}`],
])("a run that begins with %s is created without it", async (what, body) => {
  const { world, created } = watched();
  await useWorld({}, world);
  const run = await start(workflowOf(`ft#without ${what}`, body), []);
  await run.returnValue.catch(() => undefined);
  expect(created[0]!.beginning).toBeUndefined();
});

test("a token that another run holds: the run is there, and is told of the conflict", async () => {
  const { world } = watched();
  await useWorld({}, world);
  await start(workflowOf("ft#holder", waits("taken")), []);
  const run = await start(workflowOf("ft#second", waits("taken")), []);
  await expect(run.returnValue).rejects.toThrow(/taken|HOOK_CONFLICT/);
});

test("an id that exists: its run goes on as it is, and nothing of the other's beginning is seen", async () => {
  const events: WorkerEvent[] = [];
  const { world, shared } = watched();
  await useWorld({ observers: [{ observe: (event) => void events.push(event) }] }, world);
  const flow = workflowOf<[string]>("ft#twice", `async(token)=>{console.log(token);return (await createHook({token})).n}`);
  const first = await start(flow, ["first"], { id: "ft-twice" });
  const second = await start(flow, ["second"], { id: "ft-twice", ifExists: "return" });
  expect(second.runId).toBe(first.runId);
  expect(await shared.query.hook("second")).toBeNull();
  expect(events.filter(({ type }) => type === "run_started")).toHaveLength(1);
  await resumeHook("first", { n: 3 });
  expect(await second.returnValue).toBe(3);
});

test("of a run that was not created nothing is left, and the worker has its room", async () => {
  let fails = true;
  const { world, commits } = watched(async (shared, ...args) => {
    if (!fails) return shared.createRuns(...args);
    throw new WorldError("WORLD_UNAVAILABLE", "The World is away.", { hint: "Try again." });
  });
  await useWorld({}, world);
  await expect(start(workflowOf("ft#away", waits("away")), [])).rejects.toThrow("The World is away");
  expect(runningWorker()?.residentRuns()).toBe(0);
  expect(await world.query.hook("away")).toBeNull();
  fails = false;
  const run = await start<[], number>(workflowOf("ft#away", waits("away")), []);
  await resumeHook("away", { n: 1 });
  expect(await run.returnValue).toBe(2);
  expect(commits.map(({ base }) => base)).toEqual([1]);
});

test("a run whose creation was not answered is found, and goes on", async () => {
  let isLost = true;
  const { world, shared, created } = watched(async (inner, ...args) => {
    const results = await inner.createRuns(...args);
    if (!isLost) return results;
    isLost = false;
    throw new WorldError("WORLD_UNAVAILABLE", "The answer was lost.", { hint: "Ask again." });
  });
  await useWorld({}, world);
  await expect(start(workflowOf("ft#lost", waits("lost")), [])).rejects.toThrow("The answer was lost");
  await resumeHook("lost", { n: 8 });
  const [{ id }] = created as [NewRun];
  await until(async () => (await shared.query.run({ id }))?.status === "completed", "the end of the run");
});

test("a World that takes no notice of beginnings is told by a commit, also of one that it has after all", async () => {
  for (const isStored of [false, true]) {
    const { world, shared, commits } = watched(async (inner, runs, options) => {
      const kept = isStored ? runs : runs.map((run) => without(run, "beginning"));
      const results = await inner.createRuns(kept, options);
      return results.map((result): CreatedRun => without(result, "begun"));
    });
    await useWorld({}, world);
    const token = `unnoticed-${isStored}`;
    const run = await start<[], number>(workflowOf(`ft#${token}`, waits(token)), []);
    await until(() => commits.length === 1, "the commit");
    await until(async () => (await shared.query.hook(token)) !== null, "the hook");
    await resumeHook(token, { n: 1 });
    expect(await run.returnValue).toBe(2);
    const { rows } = await shared.load(run.runId);
    expect(readRows(rows).map(({ event }) => event.type)).toEqual(["run_started", "hook_received"]);
  }
});

test("a worker that is stopped while its run is created gives it back, and another one goes on", async () => {
  const { opened, open } = gate();
  const { world, shared } = watched(async (inner, ...args) => {
    await opened;
    return inner.createRuns(...args);
  });
  const { worker } = await useWorld({ graceMs: 5000 }, world);
  const starting = start<[], number>(workflowOf("ft#stopped", waits("stopped")), []);
  await until(() => runningWorker()?.residentRuns() === 1, "the beginning");
  const stopping = worker.stop();
  open();
  const run = await starting;
  await stopping;
  expect((await shared.query.run({ id: run.runId }))?.owner).toBeNull();
  await anotherWorker(shared);
  await resumeHook("stopped", { n: 4 });
  await until(async () => (await shared.query.run({ id: run.runId }))?.status === "completed", "the end of the run");
});

test("what a run says in its first turn is shown once it is there", async () => {
  const { opened, open } = gate();
  const { world } = watched(async (inner, ...args) => {
    await opened;
    return inner.createRuns(...args);
  });
  await useWorld({}, world);
  const said: unknown[] = [];
  const log = console.log;
  console.log = (...parts: unknown[]) => void said.push(...parts);
  try {
    const starting = start(workflowOf("ft#says", `async()=>{console.log("hello from the first turn");await sleep("1h")}`), []);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(said.join()).not.toContain("hello from the first turn");
    open();
    await starting;
    expect(said.join()).toContain("hello from the first turn");
  } finally {
    console.log = log;
  }
});

test("a first turn that fails, or does not end, fails the run that is there, and no other of its batch", async () => {
  await useWorld({ watchdogMs: 200 }, watched().world);
  const [throws, loops, fine] = await Promise.all([
    start(workflowOf("ft#throws", `async()=>{throw new Error("at once")}`), []),
    start(workflowOf("ft#loops", `async()=>{for(;;);}`), []),
    start(workflowOf("ft#fine", `async()=>{await sleep(5);return "fine"}`), []),
  ]);
  await expect(throws.returnValue).rejects.toMatchObject({ code: "RUN_FAILED" });
  await expect(loops.returnValue).rejects.toMatchObject({ cause: { code: "WATCHDOG_TIMEOUT" } });
  expect(await fine.returnValue).toBe("fine");
});

test("starts do not wait long for the first turns of others: the rest of a storm begins once it is there", async () => {
  const { world, created } = watched();
  await useWorld({}, world);
  const flow = workflowOf<[number], number>("ft#heavy", `async(n)=>{for(let i=0,x=0;i<2e6;i++)x+=Math.sqrt(i);await sleep(5);return n}`);
  const runs = await Promise.all(Array.from({ length: 300 }, (_, n) => start(flow, [n])));
  const begun = created.filter(({ beginning }) => beginning !== undefined).length;
  expect(begun).toBeGreaterThanOrEqual(1);
  expect(begun).toBeLessThanOrEqual(150);
  expect(await Promise.all(runs.map((run) => run.returnValue))).toEqual(runs.map((_, n) => n));
});
