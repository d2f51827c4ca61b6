import { expect, test } from "vitest";

import { start } from "../src/api/index.ts";
import { SerializationError, ValueTooLargeError } from "../src/errors/index.ts";
import { FatalError, getStepMetadata } from "../src/index.ts";
import { step } from "../src/internal.ts";
import type { StepFunction } from "../src/registry.ts";
import { attemptPolicy, nextAttemptAt } from "../src/worker/retry-policy.ts";
import { readRows } from "../src/worker/replay.ts";
import { workflowOf } from "./support/bundle.ts";
import { anotherWorker, until, useWorld } from "./support/lab.ts";

const failing = (id: string, seen: number[], options?: StepFunction["options"]): void => {
  const fn: StepFunction = async () => {
    seen.push(getStepMetadata().attempt);
    throw new Error("no");
  };
  if (options) fn.options = options;
  step(id, fn, "failing");
};

test("the options of a call win over those of the step's function", async () => {
  const seen: number[] = [];
  failing("o#call", seen, { retry: { maxAttempts: 9, initialDelay: 1 } });
  const code = workflowOf(
    "o#w1",
    "async()=>{try{await withOptions((...a)=>callStep('o#call',a),{retry:{maxAttempts:3}})()}catch(e){return e.message}}",
  );
  await useWorld();
  expect(await (await start(code, [])).returnValue).toBe("no");
  expect(seen).toEqual([1, 2, 3]);
});

test("options of the step's function count for every call, and its retryIf sees the error", async () => {
  const seen: number[] = [];
  const asked: unknown[] = [];
  failing("o#fn", seen, {
    retry: {
      initialDelay: 1,
      maxAttempts: 10,
      retryIf: (error, attempt) => {
        asked.push([(error as Error).message, attempt]);
        return attempt < 3 ? 1 : false;
      },
    },
  });
  const code = workflowOf("o#w2", "async()=>{try{await callStep('o#fn',[])}catch(e){return e.message}}");
  await useWorld();
  expect(await (await start(code, [])).returnValue).toBe("no");
  expect(seen).toEqual([1, 2, 3]);
  expect(asked).toEqual([1, 2, 3].map((attempt) => ["no", attempt]));
});

test("an attempt that takes too long fails, its signal is aborted, and the next one begins", async () => {
  const aborted: unknown[] = [];
  step(
    "o#slow",
    async () => {
      const { attempt, signal } = getStepMetadata();
      if (attempt === 2) return "in time";
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      aborted.push((signal.reason as { code?: string }).code);
      return "too late";
    },
    "slow",
  );
  const code = workflowOf("o#w3", "async()=>withOptions((...a)=>callStep('o#slow',a),{timeout:20,retry:{initialDelay:1}})()");
  await useWorld();
  expect(await (await start(code, [])).returnValue).toBe("in time");
  expect(aborted).toEqual(["TIMED_OUT"]);
});

test("a deadline covers all attempts of a call together", async () => {
  const seen: number[] = [];
  failing("o#deadline", seen);
  const code = workflowOf(
    "o#w4",
    "async()=>{try{await withOptions((...a)=>callStep('o#deadline',a),{deadline:120,retry:{maxAttempts:99,initialDelay:50,factor:1}})()}catch(e){return e.message}}",
  );
  await useWorld();
  expect(await (await start(code, [])).returnValue).toBe("no");
  expect(seen.length).toBeGreaterThanOrEqual(1);
  expect(seen.length).toBeLessThanOrEqual(3);
});

test("a step that is tried at most once is on record before it begins, and is not begun again by another worker", async () => {
  let begun = 0;
  step(
    "o#once",
    async () => {
      begun++;
      await new Promise(() => undefined);
    },
    "once",
  );
  const code = workflowOf(
    "o#w5",
    "async()=>{try{await withOptions((...a)=>callStep('o#once',a),{atMostOnce:true})()}catch(e){return e.code}}",
  );
  const { world, worker } = await useWorld({ leaseMs: 200 });
  const run = await start(code, []);
  await until(() => begun === 1, "the attempt begins");
  const { rows } = await world.load(run.runId);
  expect(readRows(rows).map(({ event }) => event.type)).toEqual(["run_started", "step_started"]);
  const waiting = run.returnValue;
  const result = waiting.catch((error: unknown) => error);
  await worker.stop();
  await anotherWorker(world);
  await until(async () => (await world.query.run({ id: run.runId }))?.status === "completed", "the run ends");
  expect(begun).toBe(1);
  expect(new TextDecoder().decode((await world.query.run({ id: run.runId }))?.output ?? undefined)).toBe('j"STEP_INTERRUPTED"');
  await result;
});

test("spawn starts a step at once; its handle has the id, the result, and gives the step up", async () => {
  const ids: string[] = [];
  const aborted: unknown[] = [];
  step(
    "o#spawned",
    async (text: string) => {
      const { stepId, signal } = getStepMetadata();
      ids.push(stepId);
      if (text === "stop") await new Promise((resolve) => signal.addEventListener("abort", resolve));
      if (signal.aborted) aborted.push((signal.reason as Error).name);
      return text;
    },
    "spawned",
  );
  const code = workflowOf(
    "o#w6",
    "async()=>{const f=(...a)=>callStep('o#spawned',a);const a=spawn(f,['go']);const b=spawn(f,['stop']);const r=await a.result;b.cancel('enough');try{await b.result}catch(e){return [a.id,r,e.name,e.cause]}}",
  );
  await useWorld();
  const run = await start(code, []);
  expect(await run.returnValue).toEqual([`${run.runId}/o#spawned#1`, "go", "CancelledError", "enough"]);
  expect(ids[0]).toBe(`${run.runId}/o#spawned#1`);
  await until(() => aborted.length === 1, "the attempt is told");
});

test.each([
  ["withOptions(async()=>1,{})()", 'withOptions() was given the function "", which is no step'],
  ["withOptions((...a)=>callStep('o#x',a),{retries:3})()", 'options of withOptions() has no option "retries"'],
  ["withOptions((...a)=>callStep('o#x',a),{retry:{retryIf:()=>true}})()", "belongs to the options of the step's function"],
  ["withOptions((...a)=>callStep('o#x',a),{retry:{maxAttempts:0}})()", "options of withOptions().retry.maxAttempts is 0"],
  ["withOptions((...a)=>callStep('o#x',a),{timeout:'soon'})()", '"soon" is not a duration'],
])("%s is INVALID_ARGUMENT", async (call, message) => {
  const code = workflowOf(`o#${call}`, `async()=>{try{await ${call}}catch(e){return [e.code,e.message]}}`);
  await useWorld();
  const [errorCode, text] = (await (await start(code, [])).returnValue) as [string, string];
  expect(errorCode).toBe("INVALID_ARGUMENT");
  expect(text).toContain(message);
});

test("pauses grow by the factor up to the longest, and jitter only shortens them", () => {
  const fn: StepFunction = async () => undefined;
  const policy = attemptPolicy(
    fn,
    { id: "o#p" },
    { settings: { initialDelayMs: 100, maxDelayMs: 500, factor: 3, maxAttempts: 9 }, askedAt: 0 },
  );
  const pauses = [1, 2, 3, 4].map((attempt) => nextAttemptAt({ error: new Error("x"), attempt, now: 0 }, policy));
  expect(pauses).toEqual([100, 300, 500, 500]);
  for (let round = 0; round < 100; round++) {
    const at = nextAttemptAt({ error: new Error("x"), attempt: 1, now: 0 }, { ...policy, jitter: 0.5 });
    expect(at).toBeGreaterThanOrEqual(50);
    expect(at).toBeLessThanOrEqual(100);
  }
  for (const error of [new FatalError("x"), new SerializationError("result", "is a function"), new ValueTooLargeError("result", 9, 8)]) {
    expect(nextAttemptAt({ error, attempt: 1, now: 0 }, policy)).toBeNull();
  }
  expect(nextAttemptAt({ error: new Error("x"), attempt: 9, now: 0 }, policy)).toBeNull();
  expect(nextAttemptAt({ error: new Error("x"), attempt: 1, now: 0 }, { ...policy, deadlineAt: 100 })).toBeNull();
});
