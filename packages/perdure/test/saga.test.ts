import { beforeEach, expect, test } from "vitest";

import { start } from "../src/api/index.ts";
import { FatalError, getStepMetadata, saga, sleep } from "../src/index.ts";
import { step, workflow } from "../src/internal.ts";
import { callStep, inPlace } from "../src/sandbox/module-graph/index.ts";
import { workflowOf } from "./support/bundle.ts";
import { anotherWorker, until, useWorld } from "./support/lab.ts";

const log: string[] = [];
beforeEach(() => void (log.length = 0));

step("g#do", async (text: string) => (log.push(text), text), "do");
step(
  "g#fail",
  async (text: string) => {
    log.push(`fail ${text}`);
    throw new FatalError(text);
  },
  "fail",
);
step(
  "g#hang",
  async () => {
    const { signal } = getStepMetadata();
    log.push("hang");
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    log.push("let go");
  },
  "hang",
);

const helpers = "const act=t=>callStep('g#do',[t]),fail=t=>callStep('g#fail',[t]),hang=()=>callStep('g#hang',[]);";
const show =
  "const show=e=>e instanceof AggregateError?{all:e.errors.map(show),message:e.message,cause:show(e.cause)}:e.name+' '+e.message;";
let count = 0;
const flow = (body: string) => workflowOf(`g#flow${++count}`, `async()=>{${helpers}${show}${body}}`);

async function outcome(body: string): Promise<unknown> {
  await useWorld();
  return (await start(flow(`try{return await saga(async compensate=>{${body}})}catch(e){return show(e)}`), [])).returnValue;
}

test("a saga that succeeds returns its part's value and undoes nothing", async () => {
  expect(await outcome("await act('a');compensate(()=>act('undo a'));return act('b')")).toBe("b");
  expect(log).toEqual(["a", "b"]);
});

test("a saga that fails undoes what it did, the latest first, one after another, and throws what its part threw", async () => {
  const body =
    "for(const x of ['a','b','c']){await act(x);compensate(async()=>{await act('undo '+x);await sleep(1);await act('undone '+x)})}await fail('d')";
  expect(await outcome(body)).toBe("FatalError d");
  expect(log).toEqual(["a", "b", "c", "fail d", "undo c", "undone c", "undo b", "undone b", "undo a", "undone a"]);
});

test("compensations that fail do not stop the others and are reported with the part's error as the cause", async () => {
  const body =
    "compensate(()=>act('undo a'));compensate(()=>fail('undo b'));compensate(()=>{throw new RangeError('undo c')});await fail('d')";
  expect(await outcome(body)).toEqual({
    all: ["RangeError undo c", "FatalError undo b"],
    message: "2 compensations of a saga failed: RangeError: undo c",
    cause: "FatalError d",
  });
  expect(log).toEqual(["fail d", "fail undo b", "undo a"]);
});

test("when one branch fails the others are given up before anything is undone", async () => {
  const body =
    "await Promise.all([(async()=>{compensate(()=>act('undo hang'));await hang();await act('never')})(),(async()=>{await act('a');compensate(()=>act('undo a'));await fail('b')})()])";
  expect(await outcome(body)).toBe("FatalError b");
  await until(() => log.includes("let go"), "the step is told");
  expect(log.filter((line) => line !== "let go")).toEqual(["hang", "a", "fail b", "undo a", "undo hang"]);
});

test("a compensation that is added while the saga is being undone is called; one after that is refused", async () => {
  const body =
    "let late;try{await saga(async compensate=>{late=compensate;compensate(()=>act('first'));void sleep('1h').catch(()=>compensate(()=>act('late')));await fail('x')})}" +
    "catch{try{late(()=>0)}catch(e){return e.code+' '+e.message.includes('after its saga was over')}}";
  await useWorld();
  expect(await (await start(flow(body), [])).returnValue).toBe("INVALID_ARGUMENT true");
  expect([...log].sort()).toEqual(["fail x", "first", "late"]);
});

test("a run that is cancelled undoes its sagas and ends as cancelled", async () => {
  await useWorld();
  const run = await start(
    flow("await saga(async compensate=>{await act('a');compensate(()=>act('undo a'));await sleep('1h');await act('never')})"),
    [],
  );
  await until(async () => (await run.note)?.includes("sleep") ?? false, "the run sleeps");
  await run.cancel({ reason: "no longer wanted" });
  await expect(run.returnValue).rejects.toMatchObject({ code: "RUN_CANCELLED", cause: { cause: "no longer wanted" } });
  expect(log).toEqual(["a", "undo a"]);
});

test("undoing goes on where it was on another worker that replays the run", async () => {
  const { world, worker } = await useWorld();
  const run = await start(
    flow(
      "try{await saga(async compensate=>{for(const x of ['a','b'])compensate(async()=>{await act('undo '+x);await createHook({token:'g-'+x})});await fail('c')})}catch(e){return show(e)}",
    ),
    [],
  );
  await until(async () => (await run.note)?.includes("g-b") ?? false, "undoing b waits");
  await worker.stop();
  await anotherWorker(world);
  for (const token of ["g-b", "g-a"]) {
    await until(async () => (await world.query.hook(token)) !== null, `the hook ${token}`);
    await world.deliver([{ id: token, to: { token }, kind: "hook", payload: Buffer.from("j1") }]);
  }
  await until(async () => (await world.query.run({ id: run.runId }))?.status === "completed", "the run ends");
  expect(log).toEqual(["fail c", "undo b", "undo a"]);
});

test("sagas work where workflows run from the module graph", async () => {
  await useWorld();
  const code = inPlace(async () => async () => {
    try {
      await saga(async (compensate) => {
        await callStep("g#do", ["a"]);
        compensate(() => callStep("g#do", ["undo a"]));
        await sleep(1);
        await callStep("g#fail", ["b"]);
      });
    } catch (error) {
      return (error as Error).message;
    }
  });
  const inModules = workflow("g#modules", async (): Promise<string> => Promise.reject(new Error("called")), "modules", code);
  expect(await (await start(inModules, [])).returnValue).toBe("b");
  expect(log).toEqual(["a", "fail b", "undo a"]);
});

test.each([
  ["saga()", "saga(part) takes a function, not undefined"],
  ["saga(c=>c(3))", "compensate(undo) takes a function, not number"],
  ["scope()", "The options of scope(options, part) are undefined; they must be an object: scope({}, part)"],
  ["scope(async()=>1)", "The options of scope(options, part) are function"],
  ["scope({timeout:1})", "scope(options, part) takes a function, not undefined"],
  ["shield(null)", "shield(part) takes a function, not null"],
])("%s is INVALID_ARGUMENT", async (call, message) => {
  await useWorld();
  const run = await start(flow(`try{await ${call}}catch(e){return [e.code,e.message]}`), []);
  const [code, text] = (await run.returnValue) as [string, string];
  expect(code).toBe("INVALID_ARGUMENT");
  expect(text).toContain(message);
});

test("a saga outside of a workflow is NOT_IN_WORKFLOW", async () => {
  await expect(saga(async () => 1)).rejects.toMatchObject({ code: "NOT_IN_WORKFLOW" });
});
