import { expect, test } from "vitest";

import { getRun, start } from "../src/api/index.ts";
import { step } from "../src/internal.ts";
import { workflowOf } from "./support/bundle.ts";
import { until, useWorld } from "./support/lab.ts";

step("so#now", async () => Date.now(), "now");
const waiting = workflowOf<[string], string>("so#wait", "async(x)=>{await createHook({token:'so-'+x});return x}");
const sleeping = workflowOf<[], string>("so#sleep", "async()=>{try{await sleep('1h')}catch(e){return e.cause.name+' '+e.cause.code}}");
const asking = workflowOf<[], number>("so#ask", "async()=>callStep('so#now',[])");

test("a start with an id that exists returns that run, fails, or replaces it, as one says", async () => {
  await useWorld();
  const first = await start(waiting, ["a"], { id: "order-1" });
  await until(async () => (await first.note) !== null, "the first run waits");
  expect((await start(waiting, ["b"], { id: "order-1" })).runId).toBe("order-1");
  await expect(start(waiting, ["b"], { id: "order-1", ifExists: "fail" })).rejects.toMatchObject({ code: "RUN_ALREADY_EXISTS" });
  const ended = first.returnValue.catch((error: unknown) => error);
  const second = await start(asking, [], { id: "order-1", ifExists: "replace" });
  expect(typeof (await second.returnValue)).toBe("number");
  expect(await ended).toMatchObject({ code: "RUN_CANCELLED", cause: { message: expect.stringContaining("another run took its id over") } });
  expect(await getRun("order-1").status).toBe("completed");
});

test("fifty starts with one id at once make one run", async () => {
  const { world } = await useWorld();
  const runs = await Promise.all(Array.from({ length: 50 }, (_, index) => start(waiting, [`x${index}`], { id: "same" })));
  expect(new Set(runs.map(({ runId }) => runId))).toEqual(new Set(["same"]));
  expect((await world.query.runs()).runs).toHaveLength(1);
});

test("a run with a start time begins then, and not before", async () => {
  await useWorld();
  const from = Date.now();
  const run = await start(asking, [], { startAt: 150 });
  expect(await run.status).toBe("pending");
  expect((await run.returnValue) - from).toBeGreaterThanOrEqual(150);
});

test("a run past its deadline is asked to end, with a TimeoutError as the reason", async () => {
  await useWorld();
  expect(await (await start(sleeping, [], { deadline: 60 })).returnValue).toBe("TimeoutError TIMED_OUT");
});

test("a terminated run ends at once, whatever its code does", async () => {
  await useWorld();
  const run = await start(workflowOf("so#deaf", "async()=>{for(;;){try{await sleep('1h')}catch{await new Promise(()=>0)}}}"), []);
  await until(async () => (await run.note) !== null, "the run waits");
  expect(await run.cancel()).toBe("requested");
  expect(await run.terminate({ reason: "deaf" })).toBe("ended");
  await expect(run.returnValue).rejects.toMatchObject({ code: "RUN_CANCELLED", cause: { message: "Cancelled: deaf" } });
  expect(await run.terminate()).toBe("ended");
});

test.each([
  [{ ifExists: "panic" }, '"return", "fail" or "replace", not "panic"'],
  [{ startAt: new Date(Number.NaN) }, "invalid Date"],
  [{ deadline: "soon" }, "is not a duration"],
  [{ attributes: { a: [] } }, 'The attribute "a" of start()'],
])("%j is INVALID_ARGUMENT", async (options, message) => {
  await useWorld();
  await expect(start(asking, [], options as never)).rejects.toMatchObject({
    code: "INVALID_ARGUMENT",
    message: expect.stringContaining(message),
  });
});
