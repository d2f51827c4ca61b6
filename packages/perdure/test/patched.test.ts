/** `patched()`: runs that passed a place on code without it stay on the old way, on whatever worker, and all others take the new one. */
import type { World } from "@perdure/world";
import { expect, test } from "vitest";

import { resumeHook, start } from "../src/api/index.ts";
import { patched } from "../src/index.ts";
import { step } from "../src/internal.ts";
import { toText } from "../src/run-input.ts";
import type { WorkflowBundle } from "../src/registry.ts";
import { bundleOf, workflowOf } from "./support/bundle.ts";
import { anotherWorker, until, useWorld } from "./support/lab.ts";

const calls: string[] = [];
step("p#a", async (name: string) => calls.push(`a ${name}`), "a");
step("p#audit", async (name: string) => calls.push(`audit ${name}`), "audit");

const before = `async(name)=>{
  for(let i=0;i<2;i++)await callStep('p#a',[name]);
  await createHook({token:name+'-1'});
  await createHook({token:name+'-2'});
  return 'old';
}`;
/** Asks in a loop that old runs have passed, and at a place that they have not. */
const after = `async(name)=>{
  const told=[];
  for(let i=0;i<2;i++){
    if(patched('audit'))await callStep('p#audit',[name]);
    await callStep('p#a',[name]);
  }
  await createHook({token:name+'-1'});
  told.push(patched('audit'),patched('late'));
  await createHook({token:name+'-2'});
  told.push(patched('audit'),patched('late'),patched('audit'));
  return told;
}`;

/** All runs go to a worker that has this code for them, whatever their versions. */
async function handOver(world: World, from: { stop(): Promise<void> }, code: WorkflowBundle) {
  const worker = await anotherWorker(world);
  Object.assign(worker.bundles, { find: () => code });
  await from.stop();
  return worker;
}

const asksOf = async (world: World, id: string): Promise<string> => (await world.load(id)).rows.map(({ data }) => toText(data)).join("\n");

test("a run that passed without it is told false there for ever, and true where it comes later; a new run takes the new way", async () => {
  const { world, worker } = await useWorld();
  const flow = workflowOf<[string], unknown>("p#flow", before);
  const old = await start(flow, ["old"]);
  await until(async () => (await old.note)?.startsWith("waits for hook old-1") === true, "the first hook");
  const newer = workflowOf<[string], unknown>("p#flow", after);
  const fresh = await start(newer, ["fresh"]);
  await until(async () => (await fresh.note)?.startsWith("waits for hook fresh-1") === true, "the first hook");
  const code = bundleOf(after);
  const second = await handOver(world, worker, code);
  for (const run of ["old", "fresh"]) await resumeHook(`${run}-1`, 1);
  await until(async () => (await old.note)?.includes("waits for hook old-2") === true, "the second hook");
  await until(async () => (await fresh.note)?.includes("waits for hook fresh-2") === true, "the second hook");
  // Replayed as a whole once more.
  await handOver(world, second, code);
  for (const run of ["old", "fresh"]) await resumeHook(`${run}-2`, 2);
  expect(await old.returnValue).toEqual([false, true, false, true, false]);
  expect(await fresh.returnValue).toEqual([true, true, true, true, true]);
  expect(calls.filter((call) => call.endsWith(" old"))).toEqual(["a old", "a old"]);
  expect(calls.filter((call) => call.endsWith(" fresh"))).toEqual(["audit fresh", "a fresh", "audit fresh", "a fresh"]);
  expect(await asksOf(world, old.runId)).not.toContain("patch audit");
  for (const { runId } of [old, fresh]) expect((await asksOf(world, runId)).split("patch late")).toHaveLength(2);
});

test("code without the question does not go on with a run that took the new way", async () => {
  const { world, worker } = await useWorld();
  const run = await start(workflowOf<[string], unknown>("p#back", after), ["back"]);
  await until(async () => (await run.note)?.startsWith("waits for hook back-1") === true, "the hook");
  await handOver(world, worker, bundleOf(before));
  await resumeHook("back-1", 1);
  await until(async () => (await run.note)?.startsWith("NONDETERMINISM") === true, "the note");
  expect(await run.note).toContain("patch audit");
});

test("names are text, and workflows are where it is called", async () => {
  await useWorld();
  const flow = workflowOf<[string], string>("p#names", "async(name)=>{try{return String(patched(name))}catch(e){return e.code}}");
  const told = async (name: string) => (await start(flow, [name])).returnValue;
  expect(await Promise.all(["größer 🎈", "", "a\nb", "x".repeat(201)].map(told))).toEqual([
    "true",
    ...Array<string>(3).fill("INVALID_ARGUMENT"),
  ]);
  expect(() => patched("outside")).toThrow(expect.objectContaining({ code: "NOT_IN_WORKFLOW" }));
});
