import { checkedWorld } from "@perdure/world/conformance";
import { createMemoryWorld } from "@perdure/world/memory";
import { createPostgresWorld } from "@perdure/world-postgres";
import { describe, expect, onTestFinished, test } from "vitest";

import { hasTestPostgres, testPostgres } from "../../../scripts/test-servers.mjs";
import { getRun, listVersions, resumeHook, start } from "../src/api/index.ts";
import { step } from "../src/internal.ts";
import { workflowOf } from "./support/bundle.ts";
import { until, useWorld, wrap } from "./support/lab.ts";

const log: string[] = [];
let isBroken = true;
step("repair#note", async (text: string) => (log.push(text), text), "note");
step(
  "repair#ship",
  Object.assign(async () => ship(), { options: { retry: { maxAttempts: 1 } } }),
  "ship",
);

async function ship(): Promise<string> {
  log.push("ship");
  if (isBroken) throw new Error("the carrier is closed");
  return "shipped";
}

const calls = "const note=t=>callStep('repair#note',[t]),ship=()=>callStep('repair#ship',[]);";
const order = workflowOf<[], unknown>(
  "repair#order",
  `async()=>{${calls}await note('pay');const hook=createHook({token:'address'});const how=await ship();return [how,await hook]}`,
);

test("a run that changes each time it is looked at is left alone, and whoever repairs it is told", async () => {
  const inner = createMemoryWorld();
  const { world } = await useWorld({}, wrap(inner, { amend: async () => "changed" }));
  const run = await start(workflowOf<[], unknown>("repair#wait", "async()=>createHook({token:'never'})"), []);
  await until(async () => (await run.note) !== null, "the run waits");
  const code = { code: "RUN_CHANGED" };
  await expect(run.rewind({ to: 0 })).rejects.toMatchObject(code);
  await expect(run.repin(workflowOf("repair#wait", "async()=>1"))).rejects.toMatchObject(code);
  expect((await world.query.runs({ status: "running" })).runs).toHaveLength(1);
});

test("a run that has just begun is given other code once its history says what it has begun", async () => {
  const { world } = await useWorld();
  let hasBegun = false;
  step("repair#begun", async () => ((hasBegun = true), new Promise(() => undefined)), "begun");
  const run = await start(workflowOf<[], unknown>("repair#new", "async()=>callStep('repair#begun',[])"), []);
  await until(() => hasBegun, "the step has begun");
  expect((await world.load(run.runId)).rows).toEqual([]);
  await run.repin(workflowOf("repair#new", "async()=>callStep('repair#note',['other'])"));
  // As for any run that is given code which does not fit what it did.
  await until(async () => (await run.note)?.startsWith("NONDETERMINISM: history: step repair#begun#1") === true, "it is parked");
  expect(log).not.toContain("other");
  await run.terminate();
});

describe.runIf(hasTestPostgres())("on PostgreSQL", () => {
  test("a failed run is mended and completes, and is forked; what was done before is not done again", async () => {
    const world = checkedWorld(createPostgresWorld({ url: await testPostgres() }));
    onTestFinished(() => world.close());
    await useWorld({}, world);
    const run = await start(order, [], { id: "order-1" });
    await expect(run.returnValue).rejects.toMatchObject({ code: "RUN_FAILED" });
    isBroken = false;
    const { copy } = await run.rewind();
    await until(async () => (await resumeHook("address", "London").catch(() => null)) !== null, "the hook is held again");
    expect(await run.returnValue).toEqual(["shipped", "London"]);
    expect(log).toEqual(["pay", "ship", "ship"]);
    await expect(getRun(copy).returnValue).rejects.toMatchObject({ code: "RUN_FAILED" });
    const fork = await run.fork({ to: 3 });
    const [open] = await listVersions({ workflowId: "repair#order" });
    expect(open).toMatchObject({ openRuns: 1, isCurrent: true });
    await until(async () => (await resumeHook("address", "Paris").catch(() => null)) !== null, "the hook is the fork's now");
    expect(await fork.returnValue).toEqual(["shipped", "Paris"]);
    expect(log).toEqual(["pay", "ship", "ship"]);
  });
});
