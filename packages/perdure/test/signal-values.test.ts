import { expect, test } from "vitest";

import { decode, encode } from "../src/codec/index.ts";
import { start } from "../src/api/index.ts";
import { getStepMetadata, RetryableError } from "../src/index.ts";
import { step, workflow } from "../src/internal.ts";
import { callStep, inPlace } from "../src/sandbox/module-graph/index.ts";
import { workflowOf } from "./support/bundle.ts";
import { anotherWorker, until, useWorld } from "./support/lab.ts";

const log: string[] = [];
const told: Record<string, unknown> = {};
let gate: () => void = () => undefined;

step("g#note", async (text: string) => void log.push(text), "note");
step(
  "g#follow",
  async (name: string, signal: AbortSignal) => {
    log.push(`${name} ${signal.aborted ? "was aborted" : "began"}`);
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve));
    told[name] = signal.reason;
    log.push(`${name} was told`);
    return [signal.aborted, signal.reason];
  },
  "follow",
);
step("g#look", async (...signals: AbortSignal[]) => signals.map((signal) => [signal instanceof AbortSignal, signal.aborted, signal.reason]), "look"); // prettier-ignore
step("g#same", async ({ a, b }: { a: AbortSignal; b: AbortSignal[] }) => a === b[0], "same");
step("g#give", async () => [AbortSignal.abort("given"), new AbortController().signal], "give");
step("g#gate", async () => (log.push("gate"), new Promise<void>((resolve) => (gate = resolve))), "gate");
step(
  "g#flaky",
  Object.assign(
    async (signal: AbortSignal) => {
      if (getStepMetadata().attempt > 1) return [signal.aborted, signal.reason];
      log.push("first attempt");
      await new Promise<void>((resolve) => (gate = resolve));
      throw new RetryableError(`once, ${String(signal.aborted)}`, { retryAfter: 1 });
    },
    { maxRetries: 1 },
  ),
  "flaky",
);

const helpers =
  "const note=t=>callStep('g#note',[t]),follow=(n,s)=>callStep('g#follow',[n,s]),look=(...s)=>callStep('g#look',s),flaky=s=>callStep('g#flaky',[s]);";
let count = 0;
const flow = (body: string) => workflowOf<unknown[], unknown>(`g#flow${++count}`, `async(...args)=>{${helpers}${body}}`);
async function outcomeOf(body: string): Promise<unknown> {
  log.length = 0;
  await useWorld();
  return (await start(flow(body), [])).returnValue;
}

test("a signal that is aborted while a step has it tells the step, with its reason", async () => {
  const body = `const c=new AbortController();const p=follow('a',c.signal);const q=follow('b',AbortSignal.any([c.signal]));await note('go');
    c.abort(Object.assign(new RangeError('enough',{cause:7}),{code:'X'}));const [[a,reason],[b]]=await Promise.all([p,q]);
    return [a,b,reason instanceof RangeError,reason.message,reason.code,reason.cause,reason===c.signal.reason]`;
  expect(await outcomeOf(body)).toEqual([true, true, true, "enough", "X", 7, false]);
  expect(told["a"]).toBeInstanceOf(RangeError);
  expect(told["a"]).toMatchObject({ message: "enough", code: "X", cause: 7 });
  expect(told["b"]).not.toBe(told["a"]);
});

test("a signal that was aborted before arrives aborted, one that never will be does not, and one signal stays one", async () => {
  const body = `const c=new AbortController();const open=new AbortController().signal;c.abort();const seen=await look(c.signal,AbortSignal.abort('why'),open);
    return [seen,await callStep('g#same',[{a:open,b:[open]}]),await callStep('g#same',[{a:open,b:[new AbortController().signal]}])]`;
  const [[first, ...rest], same, other] = (await outcomeOf(body)) as [unknown[][], boolean, boolean];
  expect(first).toMatchObject([true, true, { name: "AbortError", message: "This operation was aborted" }]);
  expect(rest).toEqual([
    [true, true, "why"],
    [true, false, undefined],
  ]);
  expect([same, other]).toEqual([true, false]);
});

test("a reason may be anything that can be stored, also what holds the signal", async () => {
  const body = `const c=new AbortController();const e=new Error('round');e.signal=c.signal;const [before]=await look(c.signal);c.abort(e);
    const [[,,reason]]=await look(c.signal);return [before[1],reason.signal.aborted,reason.signal.reason===reason]`;
  expect(await outcomeOf(body)).toEqual([false, true, true]);
});

test("a retry that begins after the abort sees it aborted", async () => {
  const body = "const c=new AbortController();const p=flaky(c.signal);await note('go');c.abort('late');await note('aborted');return p";
  log.length = 0;
  await useWorld();
  const run = await start(flow(body), []);
  await until(() => log.includes("aborted") && log.includes("first attempt"), "the abort");
  gate();
  expect(await run.returnValue).toEqual([true, "late"]);
});

test("the signals of scopes and of the run tell steps that are left alone and steps that are given up", async () => {
  log.length = 0;
  await useWorld();
  const viaRun = flow(`const {signal}=getWorkflowMetadata();const kept=shield(()=>follow('kept',signal));follow('lost',signal).catch(()=>0);
    return (await kept)[1].message`);
  const run = await start(viaRun, []);
  await until(() => log.includes("kept began") && log.includes("lost began"), "both");
  await run.cancel({ reason: "stop" });
  expect(await run.returnValue).toBe("Cancelled: stop");
  await until(() => log.includes("lost was told"), "the step that was given up");
  expect(told["lost"]).toMatchObject({ name: "CancelledError", cause: "stop" });
  log.length = 0;
  const body = `let s;scope({timeout:200},async({signal})=>{s=signal;await note('in');await sleep('1h')}).catch(()=>0);await note('out');
    return [await shield(()=>follow('kept',s))]`;
  const scoped = await start(flow(body), []);
  expect(((await scoped.returnValue) as [[boolean, Error]])[0][1]).toMatchObject({ name: "CancelledError" });
});

test("AbortSignal.timeout is of the run's time, and tells a step", async () => {
  const body = "const [a,reason]=await follow('t',AbortSignal.timeout(5));return [a,reason.name]";
  expect(await outcomeOf(body)).toEqual([true, "TimeoutError"]);
});

test("after a takeover, attempts are told of aborts before it and after it, whatever signals other steps had", async () => {
  log.length = 0;
  const { world, worker } = await useWorld();
  const body = `const [gone,before,after]=[1,2,3].map(()=>new AbortController());await look(gone.signal,before.signal);gone.abort('gone');
    const p=follow('before',before.signal),q=follow('after',after.signal);await note('go');before.abort('earlier');p.catch(()=>0);await note('aborted');
    await callStep('g#gate',[]);after.abort('later');return [await p,await q,await look(gone.signal)]`;
  const run = await start(flow(body), []);
  await until(async () => log.includes("aborted") && log.includes("after began"), "the abort");
  await until(() => log.includes("gate"), "the gate");
  await worker.stop();
  log.length = 0;
  await anotherWorker(world);
  await until(() => log.includes("after began") && log.includes("gate"), "the second worker");
  gate();
  expect(await run.returnValue).toEqual([[true, "earlier"], [true, "later"], [[true, true, "gone"]]]); // prettier-ignore
});

test("an attempt that was cut off by the takeover sees in the next one that the signal is aborted", async () => {
  log.length = 0;
  const { world, worker } = await useWorld({ graceMs: 0 });
  const run = await start(
    flow("const c=new AbortController();const p=flaky(c.signal);await note('go');c.abort('gone');await note('aborted');return p"),
    [],
  );
  await until(() => log.includes("aborted") && log.includes("first attempt"), "the abort");
  const stopped = worker.stop();
  gate();
  await stopped;
  await anotherWorker(world);
  expect(await run.returnValue).toEqual([true, "gone"]);
});

test("a signal in a step's result, in the workflow's result or in another run's arguments is as it was then", async () => {
  log.length = 0;
  await useWorld();
  const child = workflowOf("g#child", "async(s)=>[s instanceof AbortSignal,s.aborted,s.reason]");
  const body = `const given=await callStep('g#give',[]);const c=new AbortController();const run=await start(args[0],[c.signal]);c.abort('unseen');
    return [given.map(s=>[s instanceof AbortSignal,s.aborted,s.reason]),await run.returnValue,c.signal,new AbortController().signal]`;
  const [given, ofChild, aborted, open] = (await (
    await start(flow(body), [child])
  ).returnValue) as [unknown, unknown, AbortSignal, AbortSignal];
  expect(given).toEqual([
    [true, true, "given"],
    [true, false, undefined],
  ]);
  expect(ofChild).toEqual([true, false, undefined]);
  expect([aborted instanceof AbortSignal, aborted.aborted, aborted.reason, open instanceof AbortSignal, open.aborted]).toEqual([
    true,
    true,
    "unseen",
    true,
    false,
  ]);
});

test("a signal tells a step also where workflow code runs in the module graph", async () => {
  log.length = 0;
  await useWorld();
  const fn = async (): Promise<unknown> => {
    const controller = new AbortController();
    const followed = callStep("g#follow", ["here", controller.signal]);
    await callStep("g#note", ["go"]);
    controller.abort("here too");
    return followed;
  };
  const code = inPlace(async () => fn as (...args: unknown[]) => unknown);
  const here = workflow("g#here", async (): Promise<unknown> => Promise.reject(new Error("called")), "g#here", code);
  expect(await (await start(here, [])).returnValue).toEqual([true, "here too"]);
});

test("a reason that cannot be stored is refused with its path when the signal was aborted before, and becomes an error when it is aborted later", async () => {
  expect(() => encode([AbortSignal.abort(Symbol("no"))], "args")).toThrow(
    expect.objectContaining({ code: "SERIALIZATION_FAILED", path: "args[0].reason" }),
  );
  expect(() => encode([new AbortController()], "args")).toThrow(
    expect.objectContaining({ code: "SERIALIZATION_FAILED", path: "args[0]", message: expect.stringContaining("signal") as string }),
  );
  const body = "const c=new AbortController();const p=follow('odd',c.signal);await note('go');c.abort(()=>1);return (await p)[1].message";
  expect(await outcomeOf(body)).toContain("cannot be stored");
  expect((decode(encode([new AbortController().signal], "args")) as AbortSignal[])[0]).toBeInstanceOf(AbortSignal);
});
