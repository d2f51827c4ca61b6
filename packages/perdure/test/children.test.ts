import { expect, test } from "vitest";

import { getRun, start } from "../src/api/index.ts";
import { encode } from "../src/codec/index.ts";
import type { Row } from "../src/engine/row.ts";
import { step } from "../src/internal.ts";
import { workflowOf } from "./support/bundle.ts";
import { anotherWorker, until, useWorld } from "./support/lab.ts";
import { runReplay } from "./support/simulation.ts";

const log: string[] = [];
step("k#note", async (text: string) => (log.push(text), text), "note");
step("k#hang", async () => new Promise<never>(() => undefined), "hang");

const helpers = "const note=t=>callStep('k#note',[t]),hang=()=>callStep('k#hang',[]);";
let count = 0;
function flow(params: string, body: string) {
  return workflowOf<unknown[], unknown>(`k#flow${++count}`, `async(${params})=>{${helpers}${body}}`);
}

const double = flow("n", "await note(`double ${n}`); return n * 2");
const failing = flow("", "await note('fails'); throw new RangeError('no such order')");
const waiting = flow("name", "try { await hang() } catch (error) { await shield(() => note(`${name}: ${error.message}`)); throw error }");

test("a child run is started with its parent, awaited, and recorded as its child", async () => {
  log.length = 0;
  const { world } = await useWorld();
  const parent = flow("child", "const run = await start(child, [21]); return [run.runId, await run.returnValue]");
  const run = await start(parent, [double]);
  const [childId, value] = (await run.returnValue) as [string, number];
  expect(value).toBe(42);
  const record = await world.query.run({ id: childId });
  expect(record).toMatchObject({ status: "completed", parent: { runId: run.runId, operation: `k#flow1#1` } });
  expect(log).toEqual(["double 21"]);
});

test("a child's failure reaches its parent with its cause", async () => {
  await useWorld();
  const parent = flow(
    "child",
    "const run = await start(child, []); try { await run.returnValue } catch (error) { return [error.code, error.cause.name, error.cause.message, error.runId === run.runId] }",
  );
  expect(await (await start(parent, [failing])).returnValue).toEqual(["RUN_FAILED", "RangeError", "no such order", true]);
});

test("cancelling the parent cancels its children, with the reason", async () => {
  log.length = 0;
  const { world } = await useWorld();
  const parent = flow("child", "const run = await start(child, ['child']); await note('started'); return await run.returnValue");
  const run = await start(parent, [waiting]);
  await until(() => log.includes("started"), "the child is started");
  await run.cancel({ reason: "changed our mind" });
  await expect(run.returnValue).rejects.toMatchObject({ code: "RUN_CANCELLED" });
  const [child] = (await world.query.runs({ parent: run.runId })).runs;
  await expect(getRun(child!.id).returnValue).rejects.toMatchObject({ code: "RUN_CANCELLED" });
  expect(log).toContain("child: Cancelled: changed our mind");
});

test("a parent that ends asks its children to end, unless they were abandoned", async () => {
  log.length = 0;
  const { world } = await useWorld();
  const parent = flow("child", "await start(child, ['a']); await start(child, ['b'], { id: 'b', parentClosePolicy: 'abandon' }); return 1");
  const run = await start(parent, [waiting]);
  expect(await run.returnValue).toBe(1);
  await until(() => log.length === 1, "the child has cleaned up");
  expect(log).toEqual(["a: Cancelled: the run that started it has ended"]);
  expect(await getRun("b").status).not.toBe("cancelled");
  expect((await world.query.run({ key: "b" }))?.parent).toBeNull();
  await getRun("b").terminate();
});

test("children of a run that is terminated, or replaced by another, are asked to end too", async () => {
  log.length = 0;
  await useWorld();
  const parent = flow("child, name", "const run = await start(child, [name]); await note(`${name} begun`); return run.returnValue");
  const first = await start(parent, [waiting, "one"], { id: "parent" });
  await until(() => log.includes("one begun"), "the child is started");
  const second = await start(parent, [waiting, "two"], { id: "parent", ifExists: "replace" });
  await until(() => log.includes("one: Cancelled: the run that started it has ended"), "the child of the replaced run is told");
  await until(() => log.includes("two begun"), "the other child is started");
  await second.terminate();
  await until(() => log.includes("two: Cancelled: the run that started it has ended"), "the child of the terminated run is told");
  await expect(first.returnValue).rejects.toMatchObject({ code: "RUN_CANCELLED" });
});

test("a child with an id that another run has is that run; with `fail` it is refused", async () => {
  await useWorld();
  const first = await start(double, [1], { id: "same" });
  expect(await first.returnValue).toBe(2);
  const joining = flow("child", "const run = await start(child, [9], { id: 'same' }); return [run.runId, await run.returnValue]");
  expect(await (await start(joining, [double])).returnValue).toEqual(["same", 2]);
  const refused = flow(
    "child",
    "try { await start(child, [9], { id: 'same', ifExists: 'fail' }) } catch (error) { return error.code } return 'started'",
  );
  expect(await (await start(refused, [double])).returnValue).toBe("RUN_ALREADY_EXISTS");
  const accepted = flow("child", "const run = await start(child, [9], { id: 'new', ifExists: 'fail' }); return await run.returnValue");
  expect(await (await start(accepted, [double])).returnValue).toBe(18);
});

test("a run whose id had to be new was started, also when its failure is the first that is heard of it", async () => {
  // What a crash leaves between the commit that starts the run and the event that says so: the run has failed meanwhile.
  const program = `async()=>{const other=async()=>{"perdure:workflow k%23other"};
const run=await start(other,[],{id:"once",ifExists:"fail"});return run.returnValue.catch((error)=>[error.code,error.cause.message])}`;
  const rows: Row[] = [
    { event: { type: "run_started", at: 1 }, asks: ["start k#other#1"], payload: "" },
    {
      event: { type: "run_failed", op: "k#other#1", at: 2, message: "ended:k#other#1" },
      asks: ["completed"],
      payload: encode(new Error("broken"), ""),
    },
  ];
  expect((await runReplay(program, rows)).outcome).toEqual({ status: "completed", value: ["RUN_FAILED", "broken"] });
});

test("spawn starts a child run and gives it up", async () => {
  log.length = 0;
  await useWorld();
  const parent = flow(
    "child, double",
    "const one = spawn(double, [4]); const other = spawn(child, ['spawned']); const value = await one.result; other.cancel('enough'); try { await other.result } catch (error) { return [value, error.message] }",
  );
  expect(await (await start(parent, [waiting, double])).returnValue).toEqual([8, "Cancelled: enough"]);
  await until(() => log.some((line) => line.startsWith("spawned")), "the child is told");
  expect(log).toContain("spawned: Cancelled: enough");
});

test("a run is awaited by its id or its key, and one that does not exist is said to be missing", async () => {
  await useWorld();
  const byKey = await start(double, [3], { id: "3f2504e0-4f89-41d3-9a0c-0305e82c3301" });
  const byId = await start(double, [4]);
  const parent = flow(
    "...ids",
    "const seen = []; for (const id of ids) seen.push(await getRun(id).returnValue.catch((error) => error.code)); return seen",
  );
  const ids = [byKey.runId, byId.runId, "nobody", "00000000-0000-4000-8000-000000000000"];
  expect(await (await start(parent, ids)).returnValue).toEqual([6, 8, "RUN_NOT_FOUND", "RUN_NOT_FOUND"]);
});

test("a workflow goes on in a new run: finally blocks run, the id and the waiters move on", async () => {
  log.length = 0;
  const { world } = await useWorld();
  const counting = flow(
    "n",
    "try { await note(`round ${n}`); if (n < 3) return await continueAsNew([n + 1]); return `done at ${n}` } finally { await note(`left ${n}`) }",
  );
  const run = await start(counting, [1], { id: "chain", attributes: { kind: "chain" } });
  expect(await run.returnValue).toBe("done at 3");
  expect(log).toEqual(["round 1", "left 1", "round 2", "left 2", "round 3", "left 3"]);
  const last = await world.query.run({ key: "chain" });
  expect(last).toMatchObject({ status: "completed", successor: null, attributes: { kind: "chain" } });
  const parent = flow("child", "return await (await start(child, [1])).returnValue");
  expect(await (await start(parent, [counting])).returnValue).toBe("done at 3");
});

test("a handle by the id of a run that went on means the run in which it does: its status, and who is asked to end", async () => {
  log.length = 0;
  await useWorld();
  const endless = flow(
    "n",
    "if (n === 0) return continueAsNew([1]); publish('round', n); try { await hang() } catch (error) { await shield(() => note(`ended: ${error.message}`)); throw error }",
  );
  const run = await start(endless, [0]);
  await until(async () => (await run.read("round")) === 1, "the run has gone on");
  expect(await run.status).toBe("running");
  expect(await run.cancel({ reason: "enough" })).toBe("requested");
  await expect(run.returnValue).rejects.toMatchObject({ code: "RUN_CANCELLED" });
  expect(log).toEqual(["ended: Cancelled: enough"]);
  // The same for a child, whose parent knows the id of its first run alone.
  const parent = flow("child", "const run = await start(child, [0]); await note('waits'); return run.returnValue");
  const other = await start(parent, [endless]);
  await until(() => log.includes("waits"), "the child is started");
  await other.cancel({ reason: "too late" });
  await expect(other.returnValue).rejects.toMatchObject({ code: "RUN_CANCELLED" });
  await until(() => log.includes("ended: Cancelled: too late"), "the child's last run is told");
});

test("a handle of a run is a value: it comes back from steps and goes to other runs", async () => {
  await useWorld();
  step("k#begin", async (n: number) => start(double, [n]), "begin");
  step("k#ask", async (run: { returnValue: Promise<number> }) => run.returnValue, "ask");
  const parent = flow(
    "",
    "const run = await callStep('k#begin', [5]); return [await run.returnValue, await callStep('k#ask', [run]), run]",
  );
  const [inWorkflow, inStep, handle] = (await (await start(parent, [])).returnValue) as [number, number, { returnValue: Promise<number> }];
  expect([inWorkflow, inStep, await handle.returnValue]).toEqual([10, 10, 10]);
});

test("what a handle cannot do in workflow code says so", async () => {
  await useWorld();
  const parent = flow("", "try { await getRun('x').status } catch (error) { return error.code }");
  expect(await (await start(parent, [])).returnValue).toBe("NOT_AVAILABLE_IN_WORKFLOW");
});

test("a run whose child's code is not in this process waits for a worker that has it", async () => {
  const { world } = await useWorld({ leaseMs: 200 });
  const parent = flow("child", "return await (await start(child, [2])).returnValue");
  const run = await start(parent, [double]);
  expect(await run.returnValue).toBe(4);
  const gone = Object.assign(async () => Promise.reject(new Error()), { [Symbol.for("perdure.workflowId")]: "k#gone" });
  const stranded = await start(parent, [gone as never]);
  await until(async () => (await stranded.note)?.startsWith("WORKFLOW_NOT_FOUND") ?? false, "the note says what is missing");
  workflowOf("k#gone", "async(n)=>n+1");
  expect(await stranded.returnValue).toBe(3);
  await anotherWorker(world);
});
