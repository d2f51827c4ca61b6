import { expect, test } from "vitest";

import { getRun, start } from "../src/api/index.ts";
import { PerdureError, WorkflowRunNotFoundError } from "../src/errors/index.ts";
import { getStepMetadata, getWorkflowMetadata, sleep } from "../src/index.ts";
import { step, workflow, workflowCalled } from "../src/internal.ts";
import { startWorker } from "../src/worker/index.ts";
import { workflowOf } from "./support/bundle.ts";
import { useWorld } from "./support/lab.ts";

test("starting twice with one id makes one run", async () => {
  let calls = 0;
  step("t#count", async () => ++calls, "count");
  const once = workflowOf<[], number>("t#once", "async()=>callStep('t#count',[])");
  await useWorld();
  const [first, second] = await Promise.all([start(once, [], { id: "order-1" }), start(once, [], { id: "order-1" })]);
  expect([await first.returnValue, await second.returnValue, await getRun("order-1").returnValue]).toEqual([1, 1, 1]);
  expect(calls).toBe(1);
});

test("a function that is not a compiled workflow is refused", async () => {
  await useWorld();
  async function plain(): Promise<void> {}
  await expect(start(plain, [])).rejects.toMatchObject({
    code: "WORKFLOW_NOT_COMPILED",
    message: expect.stringContaining("plain") as string,
  });
  const withoutBundle = workflow("t#unbundled", async () => 1, "unbundled");
  await expect(start(withoutBundle, [])).rejects.toMatchObject({ code: "WORKFLOW_NOT_COMPILED" });
  await expect(start(workflowOf("t#args", "async()=>1"), "x" as never)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  await expect(start(workflowOf("t#id", "async()=>1"), [], { id: "" })).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
});

test("a workflow that is called like a function says how to start it", () => {
  const error = workflowCalled("shop/src/order.ts#fulfil");
  expect(error).toMatchObject({ code: "WORKFLOW_CALLED_DIRECTLY" });
  expect(error.message).toContain("start(workflow, [args])");
  expect(PerdureError.is(error)).toBe(true);
});

test("functions of workflows say where they belong when they are called elsewhere", async () => {
  await expect(sleep(1)).rejects.toMatchObject({ code: "NOT_IN_WORKFLOW" });
});

test("metadata belongs to steps that run", async () => {
  expect(() => getStepMetadata()).toThrow(expect.objectContaining({ code: "NOT_IN_STEP" }));
  expect(() => getWorkflowMetadata()).toThrow(expect.objectContaining({ code: "NOT_IN_STEP" }));
  const curious = workflowOf(
    "t#curious",
    "async()=>{try{__perdure.getStepMetadata()}catch(e){return [e.code,__perdure.getWorkflowMetadata().workflowName]}}",
  );
  await useWorld();
  expect(await (await start(curious, [])).returnValue).toEqual(["NOT_IN_STEP", "t#curious"]);
});

test("a run that was cancelled has no return value", async () => {
  const { world } = await useWorld();
  const runId = "01900000-0000-7000-8000-000000000001";
  await world.heartbeat("other", 60_000);
  await world.createRuns([{ id: runId, key: "stopped", workflowId: "t#w", version: "v", input: new Uint8Array(33), dueAt: null }], {
    owner: "other",
  });
  const outcome = getRun("stopped").returnValue.catch((error: unknown) => error);
  await world.commit([{ runId, fence: 1, worker: "other", base: 0, rows: [], patch: { status: "cancelled", output: null } }]);
  expect(await outcome).toMatchObject({ name: "WorkflowRunCancelledError", code: "RUN_CANCELLED", runId: "stopped" });
});

test("a worker that cannot be started leaves the one that there is", async () => {
  const fine = workflowOf<[], number>("t#stillFine", "async()=>{await sleep(1);return 1}");
  await useWorld();
  await expect(startWorker({ concurrency: 0 })).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  expect(await (await start(fine, [])).returnValue).toBe(1);
});

test("who awaits a run in a World that is replaced is told", async () => {
  const waiting = workflowOf("t#replaced", "async()=>{await createHook({token:'replaced'})}");
  await useWorld();
  const outcome = (await start(waiting, [])).returnValue.catch((error: unknown) => error);
  await new Promise((resolve) => setTimeout(resolve, 20));
  await useWorld();
  expect(await outcome).toMatchObject({ code: "WORKER_STOPPED" });
});

test("a run that does not exist is not found", async () => {
  await useWorld();
  const error = await getRun("nobody").status.catch((reason: unknown) => reason);
  expect(WorkflowRunNotFoundError.is(error)).toBe(true);
  await expect(getRun("01900000-0000-7000-8000-000000000000").returnValue).rejects.toMatchObject({ code: "RUN_NOT_FOUND" });
});

test("what the workflow throws reaches the caller as the cause", async () => {
  const failing = workflowOf("t#failing", "async()=>{const e=new RangeError('too far');e.limit=3;throw e}");
  await useWorld();
  const run = await start(failing, []);
  await expect(run.returnValue).rejects.toMatchObject({
    code: "RUN_FAILED",
    runId: run.runId,
    cause: { name: "RangeError", message: "too far", limit: 3 },
  });
  expect(await run.status).toBe("failed");
  expect(await run.note).toBe("RangeError: too far");
});

test("a promise that nobody handles in workflow code ends neither the process nor the run", async () => {
  const careless = workflowOf("t#careless", "async()=>{Promise.reject(new Error('ignored'));await sleep(20);return 'done'}");
  await useWorld();
  const warnings: string[] = [];
  const listen = (warning: Error): void => void warnings.push(warning.message);
  process.on("warning", listen);
  expect(await (await start(careless, [])).returnValue).toBe("done");
  process.off("warning", listen);
  expect(warnings.join()).toContain("ignored");
});
