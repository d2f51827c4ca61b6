import { expect, test } from "vitest";

import { start } from "../src/api/index.ts";
import { step } from "../src/internal.ts";
import { sharedBundleOf, workflowOf } from "./support/bundle.ts";
import { escapes, outcomes } from "./support/escapes.ts";
import { useWorld } from "./support/lab.ts";
import { liveAndReplayed } from "./support/live-and-replayed.ts";

test("every path to real time, chance or the host is closed, or comes out the same on a replay", async () => {
  step("escapes#ok", async () => 1, "ok");
  step("escapes#echo", async (value: unknown) => value, "echo");
  const ok = step("escapes#ref", async () => 1, "ref");
  step("escapes#many", async () => new Map<string, unknown>([["e", new TypeError("t")], ["d", new Date(1)], ["l", [{}]], ["u", new URL("a:b")], ["b", new Uint8Array(2)], ["f", ok]]), "many"); // prettier-ignore
  step("escapes#throw", Object.assign(async () => Promise.reject(new (class Odd extends Error { override name = "Odd"; })("o")), { maxRetries: 0 }), "throw"); // prettier-ignore
  const cases = Object.entries(escapes).map(([name, expression]) => `${JSON.stringify(name)}:async()=>(${expression})`);
  const body = `async()=>{const cases={${cases.join(",\n")}};const result={};
    for(const[name,run]of Object.entries(cases))try{result[name]=await run()}catch(e){result[name]='threw '+e.name+': '+e.message}return result}`;
  const zone = process.env["TZ"];
  process.env["TZ"] = "America/St_Johns";
  const { live, replayed, seen } = await liveAndReplayed(body, [], () => Object.assign(process.env, { TZ: "Asia/Kolkata" }));
  Object.assign(process.env, { TZ: zone ?? "UTC" });
  expect(replayed).toBe(live);
  const results = seen as Record<string, unknown>;
  expect(Object.fromEntries(Object.keys(outcomes).map((name) => [name, results[name]]))).toEqual(outcomes);
  const threw = Object.entries(results).filter(([, value]) => typeof value === "string" && value.startsWith("threw"));
  expect(threw).toEqual([]);
  expect(JSON.stringify([results["stacks of errors"], results["messages with paths of the host"]])).not.toMatch(
    /node:|file:|\/work|\/home|node_modules/,
  );
});

/** Resolves for all who wait when each of them does, in the order of their names or the other way round, so that their deliveries alternate. */
function createBarrier(parties: number): (name: string, round: number) => Promise<void> {
  let waiting: [name: string, go: () => void][] = [];
  return (name, round) =>
    new Promise((resolve) => {
      waiting.push([name, resolve]);
      if (waiting.length < parties) return;
      const all = waiting.sort(([a], [b]) => (a < b ? -1 : 1));
      waiting = [];
      for (const [, go] of round % 2 ? all.reverse() : all) setTimeout(go);
    });
}

/** The body of a run that writes all that it can reach, and reads it again after every await. `tag` makes another bundle of it. */
const nosy = (
  tag: string,
): string => `(()=>{let counter=0;const cache=new Map();class Own{static count=0};const tagged=s=>s;const key=Symbol.for('leak');
  const shared=[Object,Object.prototype,Array,Array.prototype,Function.prototype,Promise,Promise.prototype,Map.prototype,Error,Error.prototype,TypeError,RegExp,RegExp.prototype,
    Date,Date.prototype,Symbol,Symbol.prototype,Math,JSON,Reflect,Intl,Intl.DateTimeFormat,URL,URL.prototype,Headers.prototype,AbortSignal.prototype,DOMException,console,crypto,
    performance,callStep,__perdure,__perdure.FatalError,__perdure.FatalError.prototype,Object.getPrototypeOf(globalThis),(async()=>{}).constructor,Symbol.for('leak'),Symbol.iterator];
  const read=()=>JSON.stringify([counter,[...cache],Own.count,Own.mine,Own.prototype.mine,globalThis.leak,globalThis.Array,globalThis[key],self.leak,__shared.look(),typeof leak,Object.keys(globalThis)]);
  return async(name)=>{const seen=[];for(let round=0;round<12;round++){
    counter++;cache.set(name+round%3,round);Own.count++;Own.mine=name;Own.prototype.mine=name;globalThis.leak=name;globalThis.Array=name;globalThis[key]=name;
    const refused=shared.filter(o=>{for(const k of ['leak'+name,key,'name','constructor'])try{o[k]=name;if(o[k]===name)return false}catch{}return true}).length;
    let limit;try{Error.stackTraceLimit=round;limit='set'}catch(e){limit=e.name}
    try{Error.prepareStackTrace=()=>name}catch{}
    let kept;try{__shared.Thing.count=name;kept='static'}catch(e){kept=e.name}
    try{__shared.extra=name}catch{}try{__shared.look.mine=name}catch{}
    /(x+)(${tag})?/.test('x'.repeat(round+1));tagged\`a\`.leak??(()=>{try{tagged\`a\`.leak=name}catch{}})();
    const before=read();const drawn=[Math.random(),crypto.randomUUID(),performance.now()>=0];
    if(round%4===3)await null;else await callStep('escapes#barrier',[name,round]);
    seen.push([before===read(),counter,Own.count,globalThis.leak,globalThis[key],globalThis.Array,typeof Array,refused===shared.length,limit,
      RegExp.$1,RegExp['$&'],Object.keys(Object.prototype),['a','b','c','d'].some(n=>'leak'+n in {}||'leak'+n in Math||'leak'+n in callStep),
      key in Object.prototype,new Error('x').stack.startsWith('Error: x'),tagged\`a\`.leak,drawn[0]!==Math.random(),kept,__shared.look()])}
  return seen}})()`;

const sharedText =
  "(()=>{class Thing{static count=0};const look=()=>[globalThis.leak,self.leak,Thing.count,look.mine??0];return {Thing,look}})()";

test("runs of one bundle and of others, whose deliveries alternate at every await, see nothing of each other", async () => {
  step("escapes#barrier", createBarrier(4), "barrier");
  await useWorld();
  const flows = ["one", "two"].map((tag) =>
    workflowOf<[string], unknown[][]>(`escapes#nosy-${tag}`, "", sharedBundleOf(nosy(tag), sharedText)),
  );
  const names = ["a", "b", "c", "d"];
  const runs = await Promise.all(names.map((name, index) => start(flows[index % 2]!, [name])));
  for (const [index, run] of runs.entries()) {
    const name = names[index];
    for (const [round, seen] of (await run.returnValue).entries()) {
      const own = [true, round + 1, round + 1, name, name, name, "function", true, "TypeError"];
      expect(seen).toEqual([...own, undefined, undefined, [], false, false, true, undefined, true, "TypeError", [name, name, 0, 0]]);
    }
  }
});

test("two runs that take turns at every await see nothing of each other", async () => {
  step("escapes#turn", async () => null, "turn");
  await useWorld();
  const body = `(()=>{let counter=0;const cache=new Map();const marker=Symbol('module');class Own{static count=0}
    return async(name)=>{const seen=[];for(let round=0;round<20;round++){
      counter++;cache.set(name,round);Own.count++;
      globalThis.leak=name;globalThis.Array=name;globalThis[Symbol.for('leak')]=name;
      for(const o of [Array.prototype,Object.prototype,Promise,Math,URL.prototype,Error,Function.prototype,globalThis.constructor??{}])try{o['leak'+name]=1}catch{}
      /(x+)/.test('x'.repeat(round+1));
      const r=Math.random();const u=crypto.randomUUID();
      const own=[counter,cache.size,Own.count,globalThis.leak,globalThis.Array,globalThis[Symbol.for('leak')]];
      await (round%3?callStep('escapes#turn',[]):round%2?sleep(1):null);
      seen.push([own,[counter,cache.size,Own.count,globalThis.leak,globalThis.Array,globalThis[Symbol.for('leak')]],
        Object.keys(Object.prototype),'leaka' in {},'leakb' in {},'leakc' in [],RegExp.$1,typeof Array,r===Math.random(),u===crypto.randomUUID()])}
    return seen}})()`;
  const workflow = workflowOf<[string], unknown[][]>("escapes#interleaved", body);
  const runs = await Promise.all(["a", "b", "c"].map((name) => start(workflow, [name])));
  for (const [index, run] of runs.entries()) {
    const name = "abc"[index];
    for (const [round, [before, after, ...rest]] of (await run.returnValue).entries()) {
      expect(before).toEqual([round + 1, 1, round + 1, name, name, name]);
      expect(after).toEqual(before);
      expect(rest).toEqual([[], false, false, false, undefined, "function", false, false]);
    }
  }
});
