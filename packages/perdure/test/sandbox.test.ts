import { AsyncLocalStorage } from "node:async_hooks";

import { expect, test } from "vitest";

import { start } from "../src/api/index.ts";
import { step } from "../src/internal.ts";
import type { Event } from "../src/engine/event.ts";
import { createRealm, type RealmDelivery } from "../src/sandbox/realm.ts";
import { bundleOf, workflowOf } from "./support/bundle.ts";
import { anotherWorker, until, useWorld } from "./support/lab.ts";

async function evaluate(id: string, body: string): Promise<unknown> {
  return (await start(workflowOf(id, body), [])).returnValue;
}

test("time, chance and ids in workflow code come out the same on a replay", async () => {
  const values = workflowOf<[], unknown[]>(
    "t#values",
    `async()=>{const read=()=>[Date.now(),new Date().getTime(),new (new Date().constructor)().getTime(),Date(),Math.random(),crypto.randomUUID(),
      [...crypto.getRandomValues(new Uint8Array(4))],performance.now(),new Intl.DateTimeFormat('en',{dateStyle:'full',timeStyle:'full'}).format(),
      new Intl.DateTimeFormat('en',{fractionalSecondDigits:3}).formatToParts()];
      const first=read();await sleep(30);const second=read();const hook=createHook({token:'values'});await hook;return [first,second,read()]}`,
  );
  const { world, worker } = await useWorld();
  const run = await start(values, []);
  await until(async () => /^waits for hook values since \S+Z$/.test((await run.note) ?? ""), "the hook");
  const live = await world.load(run.runId);
  await worker.stop();
  await anotherWorker(world);
  await world.deliver([{ id: "m", to: { token: "values" }, kind: "hook", payload: Buffer.from("j1") }]);
  const [first, later, last] = (await run.returnValue) as unknown[][];
  expect((await world.load(run.runId)).rows.slice(0, live.rows.length)).toEqual(live.rows);
  expect(Number(later?.[0]) - Number(first?.[0])).toBeGreaterThanOrEqual(30);
  expect(first?.[0]).toBe(first?.[1]);
  expect(first?.[0]).toBe(first?.[2]);
  expect(new Set([first?.[4], later?.[4], last?.[4]]).size).toBe(3);
  expect(first?.[5]).toMatch(/^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
});

test("one run cannot change what another one sees", async () => {
  await useWorld();
  await expect(evaluate("t#evil", "async()=>{'use strict';Array.prototype.push=()=>1;return 1}")).rejects.toMatchObject({
    cause: { name: "TypeError" },
  });
  await expect(evaluate("t#evil2", "async()=>{'use strict';Object.prototype.polluted=1;return 1}")).rejects.toMatchObject({
    cause: { name: "TypeError" },
  });
  await evaluate("t#global", "async()=>{globalThis.leak=1;return globalThis.leak}").then((value) => expect(value).toBe(1));
  expect(await evaluate("t#global2", "async()=>globalThis.leak===undefined&&({}).polluted===undefined")).toBe(true);
  expect(await evaluate("t#module", "(()=>{let n=0;return async()=>++n})()")).toBe(1);
  expect(await evaluate("t#module", "(()=>{let n=0;return async()=>++n})()")).toBe(1);
});

test("frozen built-ins can still be overridden on heirs by assignment", async () => {
  await useWorld();
  const body = `async()=>{const o={};o.toString=()=>'mine';function Old(){}Old.prototype=Object.create(Array.prototype);Old.prototype.push=function(){return 'pushed'};
    Old.prototype.constructor=Old;class Failure extends Error{constructor(m){super(m);this.name='Failure';this.message='changed'}}
    class List extends Array{last(){return this[this.length-1]}}const e=new Failure('x');
    return [String(o),new Old().push(),new Old().constructor===Old,e.name,e.message,e instanceof Error,new List(1,2,3).last(),[...new List(4,5)].join()]}`;
  expect(await evaluate("t#override", body)).toEqual(["mine", "pushed", true, "Failure", "changed", true, 3, "4,5"]);
});

test("the host is out of reach", async () => {
  await useWorld();
  for (const [index, expression] of ["typeof process", "typeof require", "typeof globalThis.constructor('return process')"].entries()) {
    const value = await evaluate(`t#host${index}`, `async()=>{try{return ${expression}}catch(e){return e.name}}`);
    expect(["undefined", "EvalError", "object"]).toContain(value);
  }
  for (const [index, source] of ["this", "createHook", "callStep", "createHook().then", "new Date().constructor"].entries()) {
    const value = await evaluate(
      `t#escape${index}`,
      `async()=>{try{return typeof (${source}).constructor.constructor('return process')()}catch(e){return e.name}}`,
    );
    expect(["EvalError", "TypeError"]).toContain(value);
  }
});

test("stacks hold frames of workflow code only, so that they are the same on a replay", async () => {
  await useWorld();
  const stack = await evaluate(
    "t#stack",
    "(()=>{function deep(){return new Error('here').stack}return async function outer(){await sleep(1);return deep()}})()",
  );
  expect(stack).toMatch(/^Error: here\n {4}at deep \(perdure:workflow\/\w+:1:\d+\)\n {4}at outer \(perdure:workflow\/\w+:1:\d+\)$/);
});

test("what is not deterministic says so when it is called", async () => {
  await useWorld();
  for (const name of ["setImmediate", "fetch"]) {
    const [code, message] = (await evaluate(`t#${name}`, `async()=>{try{${name}('x')}catch(e){return [e.code,e.message]}}`)) as [
      string,
      string,
    ];
    expect(code).toBe("NOT_AVAILABLE_IN_WORKFLOW");
    expect(message).toContain(name);
  }
});

test("workflow code that never yields is stopped and fails alone", async () => {
  step("t#ping", async () => "pong", "ping");
  await useWorld({ watchdogMs: 200 });
  // AsyncLocalStorage turns promise hooks on where Node needs them: their stack has to survive the stop.
  await new AsyncLocalStorage<number>().run(1, async () => {
    const stuck = [
      evaluate("t#sync", "async()=>{for(;;){}}"),
      evaluate("t#micro", "async()=>{await callStep('t#ping',[]);for(;;)await null}"),
      evaluate("t#after", "async()=>{await callStep('t#ping',[]);for(;;){}}"),
    ];
    const fine = evaluate(
      "t#fine",
      "async()=>{const r=[];for(let i=0;i<20;i++){r.push(await callStep('t#ping',[]));await sleep(10)}return r.length}",
    );
    for (const failed of await Promise.allSettled(stuck)) {
      expect(failed).toMatchObject({ status: "rejected", reason: { cause: { code: "WATCHDOG_TIMEOUT" } } });
    }
    expect(await fine).toBe(20);
  });
});

test("a workflow that is stopped while it is replayed fails too, once", async () => {
  const slow = workflowOf("t#slowReplay", "async()=>{await createHook({token:'slow-replay'});const end=performance;for(;;){}}");
  const { world, worker } = await useWorld({ watchdogMs: 200 });
  const run = await start(slow, []);
  await until(async () => (await run.note) !== null, "the hook");
  await worker.stop();
  await anotherWorker(world, { watchdogMs: 200 });
  await world.deliver([{ id: "m", to: { token: "slow-replay" }, kind: "hook", payload: Buffer.from("j1") }]);
  await expect(run.returnValue).rejects.toMatchObject({ cause: { code: "WATCHDOG_TIMEOUT" } });
});

test("every kind of value that the codec knows crosses into workflow code and back", async () => {
  const values = {
    bytes: new Uint8Array([0, 1, 254, 255]),
    date: new Date(7),
    map: new Map([["k", new Set([1n])]]),
    re: /x/g,
    nan: NaN,
    u: undefined,
  };
  step("t#values-step", async (given: unknown) => given, "values-step");
  await useWorld();
  const body = `async(v)=>{const w=await callStep('t#values-step',[v]);return [w,w.bytes instanceof Uint8Array,w.date instanceof Date,w.map instanceof Map,
    btoa('h\u00e9'),atob('aOk='),atob(' aGk ')]}`;
  const run = await start(workflowOf<[unknown], unknown>("t#crossing", body), [values]);
  expect(await run.returnValue).toStrictEqual([values, true, true, true, "aOk=", "h\u00e9", "hi"]);
});

test("a delivery that the kernel refuses fails alone", () => {
  const realm = createRealm({ watchdogMs: 1000, sources: { addressOf: () => "", tokenFor: () => "token", runIdFor: () => "" } });
  const { code, version } = bundleOf("async()=>callStep('t#x',[])");
  const [first = 0, second = 0] = ["a", "b"].map((id) => realm.create(version, code, { id, workflowId: "t#kernel", seed: "0".repeat(32) }));
  const deliver = (handle: number, event: Event, payload: string): RealmDelivery => {
    const delivery: RealmDelivery = { handle, event, payload, out: null, error: null };
    expect(realm.deliver([delivery], 0)).toBe(1);
    return delivery;
  };
  expect(deliver(first, { type: "hook_received", op: "never#1", at: 1, message: "m" }, "?").out).toEqual([]);
  expect(deliver(first, { type: "cancel_requested", at: 1, message: "m" }, "?").error).toMatchObject({
    message: expect.stringContaining("Not a Perdure value"),
  });
  expect(deliver(999, { type: "run_started", at: 1 }, "j[]").error).toMatchObject({ message: "No run has the handle 999." });
  expect(deliver(second, { type: "run_started", at: 1 }, "j[]").out).toEqual(["step", "t#x#1", "t#x", "j[]"]);
  expect(() => realm.create("other", "(function(){})", { id: "c", workflowId: "t#old", seed: "" })).toThrow(
    expect.objectContaining({ code: "PROTOCOL_UNSUPPORTED" }),
  );
});

test("structuredClone, queueMicrotask and console work", async () => {
  await useWorld();
  const body =
    "async()=>{const a={m:new Map([[1,new Date(3)]])};const b=structuredClone(a);console.debug('seen',b);await new Promise(r=>queueMicrotask(r));return [b,b.m!==a.m]}";
  expect(await evaluate("t#clone", body)).toEqual([{ m: new Map([[1, new Date(3)]]) }, true]);
});
