import { expect, test } from "vitest";

import { start } from "../src/api/index.ts";
import { step } from "../src/internal.ts";
import { workflowOf } from "./support/bundle.ts";
import { until, useWorld } from "./support/lab.ts";

step("p#tick", async (n: number) => n, "tick");

test("published values can be read while the run waits, are watched in order, and stay when it is over", async () => {
  const code = workflowOf(
    "p#publish",
    "async()=>{publish('at',{n:0,when:new Date(5)});const h=createHook({token:'p-go'});for await(const n of h){publish('at',{n});if(n===2)break}publish('gone',1);publish('gone',undefined);return 'done'}",
  );
  await useWorld();
  const run = await start(code, []);
  await until(async () => (await run.read("at")) !== undefined, "the first value");
  expect(await run.read("at")).toEqual({ n: 0, when: new Date(5) });
  expect(await run.read("other")).toBeUndefined();
  const { resumeHook } = await import("../src/api/index.ts");
  const seen: unknown[] = [];
  const watching = (async () => {
    for await (const value of run.watch("at")) {
      seen.push((value as { n: number }).n);
      if (seen.length <= 2) await resumeHook("p-go", seen.length);
    }
  })();
  expect(await run.returnValue).toBe("done");
  await watching;
  expect(seen).toEqual([0, 1, 2]);
  expect(await run.read("at")).toEqual({ n: 2 });
  expect(await run.read("gone")).toBeUndefined();
});

test("attributes of the start and of the workflow are merged, and null removes one", async () => {
  const code = workflowOf(
    "p#attributes",
    "async()=>{setAttributes({stage:'shipping',plan:null});await callStep('p#tick',[1]);setAttributes({stage:'done',tries:1})}",
  );
  const { world } = await useWorld();
  const run = await start(code, [], { attributes: { customer: "ann", plan: "pro" } });
  await run.returnValue;
  expect(await run.attributes).toEqual({ customer: "ann", stage: "done", tries: 1 });
  expect((await world.query.runs({ attributes: { customer: "ann", stage: "done" } })).runs.map(({ id }) => id)).toEqual([run.runId]);
});

test.each([
  ["publish('',1)", "The key of a published value"],
  ["publish('f',()=>1)", "cannot be stored"],
  ["setAttributes({a:{}})", 'The attribute "a" of setAttributes()'],
  ["setAttributes(3)", "The attributes of setAttributes() must be an object"],
])("%s is refused", async (call, message) => {
  const code = workflowOf(`p#${call}`, `async()=>{try{${call}}catch(e){return e.message}}`);
  await useWorld();
  expect(await (await start(code, [])).returnValue).toContain(message);
});
