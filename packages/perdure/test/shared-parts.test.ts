import { expect, test } from "vitest";

import { start } from "../src/api/index.ts";
import { step } from "../src/internal.ts";
import { createRealm, type RealmDelivery } from "../src/sandbox/realm.ts";
import { sharedBundleOf, workflowOf } from "./support/bundle.ts";
import { anotherWorker, until, useWorld } from "./support/lab.ts";

let count = 0;

function sharedWorkflow<A extends unknown[] = unknown[]>(body: string, shared: string): (...args: A) => Promise<unknown> {
  return workflowOf<A, unknown>(`t#shared${++count}`, "", sharedBundleOf(body, shared));
}

async function run(body: string, shared: string, ...args: unknown[]): Promise<unknown> {
  return (await start(sharedWorkflow(body, shared), args)).returnValue;
}

/** A module that all runs share, as the examples below use it. */
const library = `(()=>{const born=[Date.now(),Math.random(),crypto.randomUUID()];const seen=[];globalThis.atHome="library";
  return{born,seen,$0(){return seen.length},now:()=>[Date.now(),Math.random(),crypto.randomUUID()],roots:()=>[globalThis,self],
  keep(k,v){globalThis[k]=v},read:(k)=>globalThis[k],has:(k)=>[k in globalThis,Object.keys(globalThis).includes(k),typeof globalThis.setTimeout],drop:(k)=>delete globalThis[k]}})()`;

test("a shared part is evaluated once for all runs, and for all versions with the same text", async () => {
  await useWorld();
  const body = "async(name)=>{__shared.seen.push(name);await sleep(1);return [...__shared.seen]}";
  expect(await run(body, library, "a")).toEqual(["a"]);
  expect(await run(body, library, "b")).toEqual(["a", "b"]);
  expect(await run(`${body}/*other*/`, library, "c")).toEqual(["a", "b", "c"]);
  expect(await run(body, `${library}/*other*/`, "d")).toEqual(["d"]);
});

test("shared code sees the time and the chance of the run that calls it, also between two runs that take turns", async () => {
  await useWorld();
  const body = `async()=>{const rows=[];for(let i=0;i<5;i++){const own=[Date.now(),Math.random(),crypto.randomUUID()];rows.push([own[0]===__shared.now()[0],__shared.now(),own]);await sleep(2)}return rows}`;
  const workflow = sharedWorkflow(body, library);
  const runs = await Promise.all(
    [1, 2].map(async () => (await start(workflow, [])).returnValue as Promise<[boolean, string[], string[]][]>),
  );
  const all = runs.flat();
  expect(all.every(([isSameTime]) => isSameTime)).toBe(true);
  expect(new Set(all.flatMap(([, shared, own]) => [shared[2], own[2]])).size).toBe(20);
});

test("what shared modules compute while they are evaluated is the same in every process, and a replay gives the same", async () => {
  const body = `async()=>{const read=()=>JSON.stringify([__shared.born,__shared.now()]);const first=read();await createHook({token:'shared-born'});return [first,read()]}`;
  const workflow = sharedWorkflow<[]>(body, library);
  const { world, worker } = await useWorld();
  const started = await start(workflow, []);
  await until(async () => (await started.note)?.startsWith("waits for hook shared-born") ?? false, "the hook");
  await worker.stop();
  await anotherWorker(world);
  await world.deliver([{ id: "m", to: { token: "shared-born" }, kind: "hook", payload: Buffer.from("j1") }]);
  const [first, second] = ((await started.returnValue) as string[]).map((text) => JSON.parse(text) as [unknown[], unknown[]]);
  expect(second?.[0]).toEqual(first?.[0]);
  expect(first?.[0]?.[0]).toBe(0);
  const again = (await run("async()=>[__shared.born]", library)) as unknown[][];
  expect(again[0]).toEqual(first?.[0]);
});

test("globals of shared code are nobody's while it is evaluated, and the current run's later", async () => {
  await useWorld();
  const body = `async(name)=>{const [root,mine]=__shared.roots();const isOther=root!==globalThis&&root===mine;__shared.keep('who',name);await sleep(2);
    globalThis.late=name;const out=[isOther,__shared.read('who'),globalThis.who,__shared.read('late'),__shared.has('who'),__shared.read('atHome'),globalThis.atHome,__shared.read('globalThis')===root];
    __shared.drop('who');__shared.drop('atHome');return [...out,__shared.read('who'),__shared.read('atHome')]}`;
  const workflow = sharedWorkflow<[string]>(body, library);
  const results = await Promise.all(["a", "b"].map(async (name) => (await start(workflow, [name])).returnValue));
  expect(results).toEqual(
    ["a", "b"].map((name) => [true, name, name, name, [true, true, "function"], "library", undefined, true, undefined, "library"]),
  );
});

test("functions and namespaces of shared modules take no properties from a run", async () => {
  await useWorld();
  const shared = `(()=>{class Kind{}function call(){}const ns={};Object.defineProperty(ns,'call',{get:()=>call,enumerable:true});return{Kind,call,ns,data:{}}})()`;
  const attempt = (text: string) => `(()=>{try{${text};return 'changed'}catch(e){return e.name}})()`;
  const attempts = [
    "__shared.x=1",
    "__shared.Kind.x=1",
    "__shared.call.x=1",
    "__shared.ns.x=1",
    "__shared.ns.call.x=1",
    "__shared.data.x=1",
  ];
  expect(await run(`async()=>[${attempts.map(attempt).join(",")}]`, shared)).toEqual([...Array<string>(5).fill("TypeError"), "changed"]);
});

test("a shared part that throws fails the runs that need it, each for itself", async () => {
  await useWorld();
  const workflow = sharedWorkflow<[]>("async()=>1", "(()=>{throw new RangeError('no')})()");
  for (const _ of [1, 2]) {
    const { returnValue } = await start(workflow, []);
    await expect(returnValue).rejects.toMatchObject({ cause: { name: "RangeError", message: "no" } });
  }
  const asking = run("async()=>1", "(()=>{console.log('loading');__perdure.sleep(1);return{}})()");
  await expect(asking).rejects.toMatchObject({ cause: { code: "NOT_AVAILABLE_IN_WORKFLOW" } });
});

test("what a shared part leaves to microtasks happens before the run begins, while no run is there", async () => {
  await useWorld();
  const shared = "(()=>{const seen=[];Promise.resolve().then(()=>seen.push(Date.now()));return{seen}})()";
  expect(await run("async()=>[...__shared.seen]", shared)).toEqual([0]);
});

test("steps are called from shared code as from the run's own", async () => {
  step("t#shared-echo", async (text: string) => `${text}!`, "shared-echo");
  await useWorld();
  const shared = "{echo:(text)=>__perdure.callStep('t#shared-echo',[text])}";
  const workflow = sharedWorkflow<[string]>("async(text)=>[await __shared.echo(text),await __shared.echo(text+2)]", shared);
  const results = await Promise.all(["a", "b"].map(async (name) => (await start(workflow, [name])).returnValue));
  expect(results).toEqual([
    ["a!", "a2!"],
    ["b!", "b2!"],
  ]);
});

test("a shared part that never ends is stopped, and so is its run only", async () => {
  await useWorld({ watchdogMs: 200 });
  await expect(run("async()=>1", "(()=>{for(;;){}})()")).rejects.toMatchObject({ cause: { code: "WATCHDOG_TIMEOUT" } });
  expect(await run("async()=>2", "{}")).toBe(2);
});

test("after a run was stopped in shared code, that is evaluated anew", async () => {
  await useWorld({ watchdogMs: 200 });
  const shared = "(()=>{let half=false;return{work(n){if(half)return 'half done';half=true;while(n);half=false;return 'done'}}})()";
  const workflow = sharedWorkflow<[number]>("async(n)=>__shared.work(n)", shared);
  await expect((await start(workflow, [1])).returnValue).rejects.toMatchObject({ cause: { code: "WATCHDOG_TIMEOUT" } });
  expect(await (await start(workflow, [0])).returnValue).toBe("done");
});

test("stacks name the shared part by its text, whichever version it came with", async () => {
  await useWorld();
  const shared = "{fail(){throw new Error('here')}}";
  const stacks = await Promise.all(
    ["/*1*/", "/*2*/"].map((comment) => run(`async()=>{try{__shared.fail()}catch(e){return e.stack}}${comment}`, shared)),
  );
  const [first, second] = stacks.map((stack) => String(stack).split("\n"));
  expect(first?.[1]).toMatch(/^ {4}at Object\.fail \(perdure:shared\/[\da-f]{64}:2:\d+\)$/);
  expect(second?.[1]).toBe(first?.[1]);
});

test("many shared parts do not stay evaluated for ever", () => {
  const realm = createRealm({ watchdogMs: 1000, sources: { addressOf: () => "", tokenFor: () => "token", runIdFor: () => "id" } });
  const begin = (index: number): string => {
    const { code, version } = sharedBundleOf("async()=>__shared.next()", `(()=>{let n=${index};return{next:()=>n++}})()`);
    const handle = realm.create(version, code, { id: "run", workflowId: "t#many", seed: "0".repeat(32) });
    const delivery: RealmDelivery = {
      handle,
      event: { type: "run_started", at: 0 } as RealmDelivery["event"],
      payload: "j[]",
      out: null,
      error: null,
    };
    for (let from = 0; from < 1;) from = realm.deliver([delivery], from);
    realm.drop(handle);
    return delivery.out?.[2] ?? String(delivery.error);
  };
  expect([begin(100), begin(100)]).toEqual(["j100", "j101"]);
  for (let index = 0; index < 32; index++) begin(index);
  expect(begin(100)).toBe("j100");
});
