import { expect, test } from "vitest";

import { getRun, start } from "../src/api/index.ts";
import { FatalError, getStepMetadata, getWorkflowMetadata, RetryableError, type StepMetadata } from "../src/index.ts";
import { closureStep, step } from "../src/internal.ts";
import { readRows } from "../src/worker/replay.ts";
import { workflowOf } from "./support/bundle.ts";
import { useWorld } from "./support/lab.ts";

test("a run executes its steps in order and returns their result", async () => {
  step("t#add", async (a: number, b: number) => a + b, "add");
  const sum = workflowOf<[number], number>("t#sum", "async(n)=>{let s=0;for(let i=1;i<=n;i++)s=await callStep('t#add',[s,i]);return s}");
  await useWorld();
  const run = await start(sum, [10]);
  expect(await run.returnValue).toBe(55);
  expect(await run.status).toBe("completed");
  expect(await getRun(run.runId).returnValue).toBe(55);
});

test("a step costs one row of history: n steps make n + 1 rows", async () => {
  step("t#noop", async () => ({ ok: true }), "noop");
  const ten = workflowOf("t#ten", "async()=>{for(let i=0;i<10;i++)await callStep('t#noop',[])}");
  const { world } = await useWorld();
  const run = await start(ten, []);
  await run.returnValue;
  const { rows } = await world.load(run.runId);
  expect(rows).toHaveLength(11);
  expect(readRows(rows).map((row) => row.event.type)).toEqual(["run_started", ...Array.from({ length: 10 }, () => "step_completed")]);
});

test("a step that throws is tried again, three times by default, and its error keeps its identity", async () => {
  class PaymentDeclined extends Error {
    readonly reason = { code: 51, at: new Date(0) };
  }
  let attempts = 0;
  const declined = step(
    "t#declined",
    async () => {
      attempts++;
      throw new PaymentDeclined("declined", { cause: new TypeError("card") });
    },
    "declined",
  ) as (() => Promise<never>) & { maxRetries?: number };
  declined.maxRetries = 1;
  const pay = workflowOf(
    "t#pay",
    "async()=>{try{await callStep('t#declined',[])}catch(e){return [e,e instanceof Error,e.constructor.name,e.cause instanceof TypeError]}}",
  );
  await useWorld();
  const [error, isError, className, causeIsTypeError] = (await (
    await start(pay, [])
  ).returnValue) as [Error & { reason: unknown }, boolean, string, boolean];
  expect(attempts).toBe(2);
  expect([isError, className, causeIsTypeError]).toEqual([true, "PaymentDeclined", true]);
  expect(error.message).toBe("declined");
  expect(error.reason).toEqual({ code: 51, at: new Date(0) });
  expect(error.cause).toBeInstanceOf(TypeError);
});

test("FatalError is not tried again", async () => {
  let attempts = 0;
  step(
    "t#fatal",
    async () => {
      attempts++;
      throw new FatalError("no such account");
    },
    "fatal",
  );
  const run = workflowOf("t#runFatal", "async()=>{await callStep('t#fatal',[])}");
  await useWorld();
  const failure = await (await start(run, [])).returnValue.catch((error: unknown) => error);
  expect(attempts).toBe(1);
  expect(failure).toMatchObject({ code: "RUN_FAILED", cause: { name: "FatalError", message: "no such account" } });
  expect(FatalError.is((failure as Error).cause)).toBe(true);
});

test("RetryableError sets the time of the next attempt, and the attempt knows its number", async () => {
  const seen: StepMetadata[] = [];
  step(
    "t#later",
    async () => {
      seen.push(getStepMetadata());
      if (seen.length < 3) throw new RetryableError("busy", { retryAfter: 5 });
      return getWorkflowMetadata().workflowRunId;
    },
    "later",
  );
  const run = workflowOf<[], string>("t#runLater", "async()=>callStep('t#later',[])");
  await useWorld();
  const handle = await start(run, [], { id: "my-run" });
  expect(handle.runId).toBe("my-run");
  expect(await handle.returnValue).toBe("my-run");
  expect(seen.map((metadata) => metadata.attempt)).toEqual([1, 2, 3]);
  expect(new Set(seen.map((metadata) => metadata.stepId)).size).toBe(1);
});

test("retry settings that are none fail the step, or fall back to the usual delay", async () => {
  const odd = step("t#odd", async () => 1, "odd") as (() => Promise<number>) & { maxRetries?: number };
  odd.maxRetries = Number.NaN;
  let attempts = 0;
  step(
    "t#never-when",
    async () => {
      if (++attempts === 1) throw new RetryableError("later", { retryAfter: new Date(Number.NaN) });
      return attempts;
    },
    "never-when",
  );
  const run = workflowOf(
    "t#runOdd",
    "async()=>{try{await callStep('t#odd',[])}catch(e){return [e.code,await callStep('t#never-when',[])]}}",
  );
  await useWorld();
  expect(await (await start(run, [])).returnValue).toEqual(["INVALID_ARGUMENT", 2]);
});

test("a sleep of a fraction of a millisecond is rounded up, one beyond all time is refused", async () => {
  const sleeper = workflowOf(
    "t#sleeper",
    "async()=>{const t=Date.now();await sleep(1.5);await sleep('0.2ms');await sleep(new Date(0));try{await sleep(1e300)}catch(e){return [e.code,Date.now()-t>=3]}}",
  );
  await useWorld();
  expect(await (await start(sleeper, [])).returnValue).toEqual(["INVALID_ARGUMENT", true]);
});

test("a step nested in a workflow gets its captures by value", async () => {
  closureStep(
    "t#outer/inner",
    ({ fee, names }: { fee: number; names: string[] }) =>
      async (amount: number) => [amount + fee, names.join()],
    "inner",
  );
  closureStep("t#outer/plain", () => async (amount: number) => amount * 2, "plain");
  const outer = workflowOf(
    "t#outer",
    "async()=>{const names=['a','b'];const p=callStep('t#outer/inner',[10],{fee:3,names});names.push('c');return [...await p,await callStep('t#outer/plain',[4])]}",
  );
  await useWorld();
  expect(await (await start(outer, [])).returnValue).toEqual([13, "a,b", 8]);
});

test("a capture that cannot be stored is refused with its name", async () => {
  const outer = workflowOf("t#badCapture", "async()=>{try{await callStep('t#outer/plain',[4],{fee:3,helper(){}})}catch(e){return e.path}}");
  await useWorld();
  expect(await (await start(outer, [])).returnValue).toBe("captures.helper");
});

test("a thousand steps at once run at most `concurrency` at a time", async () => {
  let active = 0;
  let most = 0;
  step(
    "t#wide",
    async (n: number) => {
      most = Math.max(most, ++active);
      await new Promise((resolve) => setImmediate(resolve));
      active--;
      return n;
    },
    "wide",
  );
  const fan = workflowOf<[], number>(
    "t#fan",
    "async()=>{const r=await Promise.all(Array.from({length:1000},(_,i)=>callStep('t#wide',[i])));return r.reduce((a,b)=>a+b,0)}",
  );
  const { world } = await useWorld({ concurrency: 20 });
  const run = await start(fan, []);
  expect(await run.returnValue).toBe(499_500);
  expect(most).toBe(20);
  expect((await world.load(run.runId)).rows).toHaveLength(1001);
});

test("a step's result that cannot be stored fails the step at once, with the path in the value", async () => {
  let attempts = 0;
  step("t#bad", async () => ({ list: [++attempts, { callback: () => 1 }] }), "bad");
  const run = workflowOf("t#runBad", "async()=>{await callStep('t#bad',[])}");
  await useWorld();
  await expect((await start(run, [])).returnValue).rejects.toMatchObject({
    cause: { code: "SERIALIZATION_FAILED", path: "result.list[1].callback" },
  });
  expect(attempts).toBe(1);
});

test("an argument that cannot be stored is refused before anything is written, inside a workflow too", async () => {
  step("t#never", async () => 1, "never");
  const outside = workflowOf<[unknown], unknown>("t#outside", "async()=>1");
  const inside = workflowOf("t#inside", "async()=>{try{await callStep('t#never',[{f(){}}])}catch(e){return [e.code,e.path]}}");
  const { world } = await useWorld();
  await expect(start(outside, [{ callback: () => 1 }])).rejects.toMatchObject({ code: "SERIALIZATION_FAILED", path: "args[0].callback" });
  expect((await world.query.runs()).runs).toEqual([]);
  const run = await start(inside, []);
  expect(await run.returnValue).toEqual(["SERIALIZATION_FAILED", "args[0].f"]);
  expect((await world.load(run.runId)).rows).toHaveLength(1);
});

test("results that are ready together are committed together", async () => {
  step("t#quick", async (n: number) => n, "quick");
  const fan = workflowOf("t#fan50", "async()=>Promise.all(Array.from({length:50},(_,i)=>callStep('t#quick',[i])))");
  const { world } = await useWorld();
  let commits = 0;
  const commit = world.commit.bind(world);
  world.commit = (batch) => {
    commits += batch.length;
    return commit(batch);
  };
  await (
    await start(fan, [])
  ).returnValue;
  expect(commits).toBeLessThanOrEqual(3);
});
