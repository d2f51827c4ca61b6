import { expect, test } from "vitest";

import { start } from "../src/api/index.ts";
import { step } from "../src/internal.ts";
import { workflowOf } from "./support/bundle.ts";
import { useWorld } from "./support/lab.ts";
import { liveAndReplayed } from "./support/live-and-replayed.ts";

/**
 * Expressions that try to learn the real time, chance or something of the host, or to change what others see. Each is evaluated in workflow code, live and on a
 * replay by another worker some time later; the results must be the same, and those of `expected`, where that says what they are.
 */
const attempts: Readonly<Record<string, string>> = {
  "Date.now": "Date.now()",
  "new Date": "new Date().getTime()",
  "Date as a function": "Date()",
  "the constructor of a date": "new (new Date().constructor)().getTime()",
  "a subclass of Date": "new (class extends Date{})().getTime()",
  "Reflect.construct of Date": "Reflect.construct(Date,[],Object).getTime?.call?.(new Date())",
  "Date through its prototype": "Date.prototype.constructor.now()",
  "an own copy of Date": "new (Object.getPrototypeOf(new Date()).constructor)().toISOString()",
  "toLocaleString of a date": "new Date().toLocaleString()",
  toLocaleTimeString: "new Date().toLocaleTimeString('en',{timeZoneName:'long'})",
  "Intl.DateTimeFormat format": "new Intl.DateTimeFormat('en',{dateStyle:'full',timeStyle:'long'}).format()",
  "Intl.DateTimeFormat formatToParts": "new Intl.DateTimeFormat('en',{fractionalSecondDigits:3}).formatToParts()",
  "Intl.DateTimeFormat formatRange": "new Intl.DateTimeFormat('en').formatRange(new Date(),new Date())",
  "Intl through instance.constructor": "new (new Intl.DateTimeFormat().constructor)('en',{timeStyle:'long'}).format()",
  "Intl without new": "Intl.DateTimeFormat('en',{timeStyle:'long'}).format()",
  "a subclass of Intl.DateTimeFormat": "new (class extends Intl.DateTimeFormat{})('en',{timeStyle:'long'}).format()",
  "format undefined": "new Intl.DateTimeFormat('en',{fractionalSecondDigits:3}).format(undefined)",
  "the time zone": "new Intl.DateTimeFormat().resolvedOptions().timeZone",
  "the locale": "new Intl.NumberFormat().resolvedOptions().locale",
  "the locale of a collator":
    "[new Intl.Collator().resolvedOptions().locale,new Intl.PluralRules().resolvedOptions().locale,new Intl.ListFormat().resolvedOptions().locale]",
  "the offset of local time": "new Date(0).getTimezoneOffset()",
  "local time of a date":
    "[new Date(0).getHours(),new Date(1.6e12).toString(),new Date(2020,5,1).getTime(),Date.parse('2020-06-01T00:00')]",
  "parsing of dates":
    "['2020-06-01','2020-06-01T10:00','2020-06-01T10:00:00.5','2020-06-01T10:00Z','2020-06-01T10:00+02:00','June 1, 2020','6/1/2020 10:00','6-1-2020','Mon Jun 01 2020 10:00:00 GMT+0200 (CEST)','Mon, 01 Jun 2020 10:00:00 GMT','2020-06-01 10:00','2020-06-01 10:00 -0500','x'].map(t=>[Date.parse(t),new Date(t).getTime()])",
  "arguments of new Date":
    "[new Date(5),new Date(new Date(6)),new Date({valueOf:()=>7}),new Date({toString:()=>'2020-06-01T00:00'}),new Date(99,0),new Date(2020,0,31,1,2,3,4),new Date(undefined),new Date(null),new Date('x',1)].map(Number)",
  "setters of local time":
    "(()=>{const d=new Date(0);d.setHours(5,6,7,8);d.setDate(9);d.setMonth(2);d.setFullYear(2021);return [d.getTime(),d.getDay(),d.toDateString(),d.toTimeString(),String(new Date(NaN)),`${d}`,d.getYear()]})()",
  "an unknown locale":
    "[new Intl.NumberFormat('zz').resolvedOptions().locale,(1.5).toLocaleString('de'),'a'.localeCompare('b','zz'),Intl.NumberFormat.supportedLocalesOf(['de','zz'])]",
  "a named time zone": "new Date(0).toLocaleString('en-GB',{timeZone:'Asia/Tokyo'})",
  "relative time": "new Intl.RelativeTimeFormat('en').format(-1,'day')",
  Temporal: "typeof Temporal==='undefined'?'none':[Temporal.Now.instant().epochMilliseconds,Temporal.Now.timeZoneId()]",
  "performance.now": "performance.now()",
  "performance.timeOrigin": "performance.timeOrigin",
  "performance's prototype": "[Object.getPrototypeOf(performance)===Object.prototype,typeof performance.mark]",
  "time of an event": "new Event('x').timeStamp>=0?'relative':0",
  "lastModified of a file": "new File([],'x').lastModified",
  "Math.random": "Math.random()",
  "Math.random by another way": "Reflect.apply(Object.getOwnPropertyDescriptor(Math,'random').value,null,[])",
  "crypto.randomUUID": "crypto.randomUUID()",
  "crypto.getRandomValues": "[...crypto.getRandomValues(new Uint32Array(3))]",
  "crypto.subtle": "typeof crypto.subtle",
  "crypto's prototype": "Object.getPrototypeOf(crypto)===Object.prototype",
  "the boundary of a form": "(()=>{const f=new FormData();f.append('a','b');return new Response(f).headers.get('content-type')})()",
  "a hook's token": "createHook().token.length>16",
  WeakRef: "typeof WeakRef",
  FinalizationRegistry: "typeof FinalizationRegistry",
  SharedArrayBuffer: "typeof SharedArrayBuffer",
  Atomics: "typeof Atomics",
  WebAssembly: "typeof WebAssembly",
  process: "[typeof process,typeof require,typeof module,typeof global,typeof __filename]",
  "import()": "(()=>{try{return Function('return import(\"node:fs\")')()}catch(e){return e.name}})()",
  "Function of return this": "(()=>{try{return Function('return this')()}catch(e){return e.name}})()",
  eval: "(()=>{try{return (0,eval)('1')}catch(e){return e.name}})()",
  "the constructor of a function": "(()=>{try{return (()=>1).constructor('return 1')()}catch(e){return e.name}})()",
  "the constructor of async functions": "(()=>{try{return (async()=>1).constructor('return 1')()}catch(e){return e.name}})()",
  "the constructor of generators": "(()=>{try{return (function*(){}).constructor('return 1')()}catch(e){return e.name}})()",
  "the constructor of async generators": "(()=>{try{return (async function*(){}).constructor('return 1')()}catch(e){return e.name}})()",
  "constructors behind the runtime's functions":
    "[createHook,callStep,sleep,__perdure.outside,URL,structuredClone,console.log,Date.now,crypto.randomUUID,new URL('a:b').searchParams.get,atob].map(f=>{try{return f.constructor('return process')()}catch(e){return e.name}})",
  "the realm of an error of the URL parser":
    "(()=>{try{new URL('x')}catch(e){return e instanceof TypeError&&e.constructor===TypeError}})()",
  "errors of an exhausted stack":
    "(()=>{let seen=new Set();const dig=n=>{try{new URL('http://a/');dig(n+1)}catch(e){seen.add(e instanceof Error&&e.constructor===RangeError);}};dig(0);return [...seen]})()",
  "this of a sloppy function": "(()=>{try{return typeof (function(){return this})()}catch(e){return e.name}})()",
  "globalThis of globalThis": "globalThis.globalThis===globalThis",
  self: "[self===globalThis,self.self===self,(()=>{self.mine=1;return globalThis.mine})()]",
  "the prototype of globalThis": "(()=>{try{Object.getPrototypeOf(globalThis).leak=1;return 'changed'}catch(e){return e.name}})()",
  "the kernel's entry":
    "[typeof globalThis.__perdure_evaluate,(()=>{try{return __perdure_evaluate(0)??__perdure_evaluate(1)??'nothing'}catch(e){return e.name}})()]",
  "names of the global object":
    "(()=>{const n=[];for(let o=globalThis;o&&o!==Object.prototype;o=Object.getPrototypeOf(o))n.push(...Reflect.ownKeys(o).map(String));return n.filter(x=>/perdure|kernel|web$|process/i.test(x))})()",
  "stacks of errors": "(()=>{const f=()=>new Error('x').stack;return f()})()",
  "a stack through captureStackTrace": "(()=>{const o={};Error.captureStackTrace(o);return o.stack})()",
  "stacks after an await": "await (async()=>{await null;return new Error('y').stack})()",
  "stacks of the runtime's errors":
    "await callStep('escapes#none',[()=>1]).catch(e=>[e.message,e.stack.includes('node:'),e.stack.includes('/')])",
  "Error.prepareStackTrace":
    "(()=>{try{Error.prepareStackTrace=(e,s)=>s;const s=new Error().stack;return typeof s}catch(e){return e.name}})()",
  "Error.stackTraceLimit": "(()=>{try{Error.stackTraceLimit=0;return 'set'}catch(e){return e.name}})()",
  "messages with paths of the host":
    "(()=>{const m=[];for(const f of [()=>null.x,()=>undefined(),()=>JSON.parse('{'),()=>new URL('x'),()=>structuredClone(()=>1),()=>fetch()])try{f()}catch(e){m.push(e.message)};return m})()",
  "the last match":
    "(()=>{/(secret)/.test('a secret');return [RegExp.$1,RegExp.lastMatch,RegExp['$&'],RegExp.input,RegExp.rightContext]})()",
  "compile of a regular expression": "(()=>{const r=/a/;return r.compile?[r.compile('b').source,/a/.source]:'none'})()",
  "sorting is stable": "Array.from({length:600},(_,i)=>[i%7,i]).sort((a,b)=>a[0]-b[0]).every((x,i,l)=>!i||l[i-1][0]<x[0]||l[i-1][1]<x[1])",
  "sorting without a comparison": "['é','z','a','Z',10,9,undefined,1].sort()",
  localeCompare: "['ä','z','a'].sort((a,b)=>a.localeCompare(b))",
  "numbers in the locale": "[(1234.5).toLocaleString(),(1234567n).toLocaleString(),[1.5,new Date(0)].toLocaleString()]",
  "upper case in the locale": "['i'.toLocaleUpperCase(),'I'.toLocaleLowerCase()]",
  "the order of keys": "Object.keys({b:1,2:1,a:1,1:1})",
  "the species of promises":
    "(()=>{try{Object.defineProperty(Promise,Symbol.species,{value:1});return 'changed'}catch(e){return e.name}})()",
  "then of promises": "(()=>{try{Promise.prototype.then=()=>1;return 'changed'}catch(e){return e.name}})()",
  "pollution through JSON":
    '(()=>{const o=JSON.parse(\'{"__proto__":{"polluted":1}}\');Object.assign({},o);const m={};for(const k in o)m[k]=o[k];return [({}).polluted,m.polluted]})()',
  "pollution through __proto__": "(()=>{try{({}).__proto__.polluted=1;return 'changed'}catch(e){return e.name}})()",
  "setting a prototype's prototype":
    "(()=>{try{Object.setPrototypeOf(Array.prototype,{leak:1});return 'changed'}catch(e){return e.name}})()",
  "legacy definers":
    "(()=>{try{Object.prototype.__defineGetter__.call(Array.prototype,'leak',()=>1);return 'changed'}catch(e){return e.name}})()",
  "getters of globals":
    "(()=>{const d=Object.getOwnPropertyDescriptor(Object.getPrototypeOf(globalThis),'Array');try{d.set.call(Object.getPrototypeOf(globalThis),1);return 'changed'}catch(e){return [e.name,Array.name]}})()",
  "assignments to globals":
    "['Array','URL','Date','JSON','Promise','structuredClone'].map(n=>{try{({Array:()=>{Array=1},URL:()=>{URL=1},Date:()=>{Date=1},JSON:()=>{JSON=1},Promise:()=>{Promise=1},structuredClone:()=>{structuredClone=1}})[n]();return 'changed'}catch(e){return e.name}})",
  "members of the runtime's functions":
    "[__perdure,callStep,__perdure.FatalError,__perdure.FatalError.prototype,__perdure.PerdureError,URL,URL.prototype,Headers.prototype,ReadableStream.prototype,Buffer,console,crypto,performance,DOMException.prototype,TextDecoder.prototype].map(o=>{try{o.leak=1;return 'changed'}catch(e){return e.name}})",
  "classes made for unknown errors":
    "(()=>{try{throw 0}catch{};return callStep('escapes#throw',[]).catch(e=>{try{e.constructor.leak=1;return 'changed'}catch(x){return [e.name,x.name]}})})()",
  "prototypes of iterators":
    "[[][Symbol.iterator](),new Map().keys(),''[Symbol.iterator](),(function*(){})(),(async function*(){})(),'a'.matchAll(/a/g),new Headers().entries(),new URLSearchParams().keys(),new Intl.Segmenter('en').segment('a')[Symbol.iterator]()].map(i=>{try{Object.getPrototypeOf(Object.getPrototypeOf(i)??i).leak=1;Object.getPrototypeOf(i).leak2=1;return 'changed'}catch(e){return e.name}})",
  "prototypes of Intl's objects":
    "[Intl,Intl.DateTimeFormat.prototype,Intl.NumberFormat,new Intl.Segmenter('en').segment('a')].map((o,i)=>{try{(i===3?Object.getPrototypeOf(o):o).leak=1;return 'changed'}catch(e){return e.name}})",
  "registered symbols": "Symbol.for('x')===Symbol.for('x')&&Symbol.keyFor(Symbol.iterator)===undefined",
  "the platform": "[typeof navigator,typeof performance.memory,typeof Deno,typeof Bun,typeof window]",
  gc: "[typeof gc,typeof v8,typeof console._stdout,typeof console.profile]",
  "the length of a stack": "typeof (()=>{let n=0;const f=()=>{n++;f()};try{f()}catch{};return n})()",
  "ids of operations in flight": "Object.keys(callStep('escapes#ok',[])).length",
  ShadowRealm: "[typeof ShadowRealm,typeof Iterator==='undefined'||typeof Iterator]",
  "Array.fromAsync and microtasks": "await Promise.all([1,2].map(async x=>{await null;return x}))",
};

/** Where it matters what comes out, and not only that it is always the same. */
const expected: Readonly<Record<string, unknown>> = {
  "performance's prototype": [true, "undefined"],
  "the time zone": "UTC",
  "the locale": "en-US",
  "the locale of a collator": ["en-US", "en", "en-US"],
  "the offset of local time": 0,
  "local time of a date": [0, "Sun Sep 13 2020 12:26:40 GMT+0000 (Coordinated Universal Time)", 1590969600000, 1590969600000],
  "parsing of dates": [
    1590969600000,
    1591005600000,
    1591005600500,
    1591005600000,
    1590998400000,
    1590969600000,
    1591005600000,
    1590969600000,
    1590998400000,
    1591005600000,
    1591005600000,
    1591023600000,
    null,
  ].map((time) => [time ?? NaN, time ?? NaN]),
  "arguments of new Date": [5, 6, 7, 1590969600000, 915148800000, 1580432523004, NaN, 0, NaN],
  "setters of local time": [
    Date.UTC(2021, 2, 9, 5, 6, 7, 8),
    2,
    "Tue Mar 09 2021",
    "05:06:07 GMT+0000 (Coordinated Universal Time)",
    "Invalid Date",
    "Tue Mar 09 2021 05:06:07 GMT+0000 (Coordinated Universal Time)",
    121,
  ],
  "an unknown locale": ["en-US", "1,5", -1, ["de"]],
  "a named time zone": "01/01/1970, 09:00:00",
  "crypto.subtle": "undefined",
  WeakRef: "undefined",
  FinalizationRegistry: "undefined",
  SharedArrayBuffer: "undefined",
  Atomics: "undefined",
  WebAssembly: "undefined",
  process: Array(5).fill("undefined"),
  "import()": "EvalError",
  "Function of return this": "EvalError",
  eval: "EvalError",
  "the constructor of a function": "EvalError",
  "the constructor of async functions": "EvalError",
  "the constructor of generators": "EvalError",
  "the constructor of async generators": "EvalError",
  "constructors behind the runtime's functions": Array(11).fill("EvalError"),
  "the realm of an error of the URL parser": true,
  "errors of an exhausted stack": [true],
  "this of a sloppy function": "undefined",
  "globalThis of globalThis": true,
  self: [true, true, 1],
  "the prototype of globalThis": "TypeError",
  "the kernel's entry": ["undefined", "nothing"],
  "names of the global object": [],
  "Error.prepareStackTrace": "TypeError",
  "the last match": [undefined, undefined, undefined, undefined, undefined],
  "sorting is stable": true,
  localeCompare: ["a", "ä", "z"],
  "numbers in the locale": ["1,234.5", "1,234,567", "1.5,1/1/1970, 12:00:00 AM"],
  "the species of promises": "TypeError",
  "then of promises": "TypeError",
  "pollution through JSON": [undefined, 1],
  "pollution through __proto__": "TypeError",
  "setting a prototype's prototype": "TypeError",
  "legacy definers": "TypeError",
  "getters of globals": ["TypeError", "Array"],
  "assignments to globals": Array(6).fill("TypeError"),
  "members of the runtime's functions": Array(15).fill("TypeError"),
  "classes made for unknown errors": ["Odd", "TypeError"],
  "prototypes of iterators": Array(9).fill("TypeError"),
  "prototypes of Intl's objects": Array(4).fill("TypeError"),
  "the platform": Array(5).fill("undefined"),
  gc: Array(4).fill("undefined"),
};

test("every path to real time, chance or the host is closed, or comes out the same on a replay", async () => {
  step("escapes#ok", async () => 1, "ok");
  step("escapes#throw", Object.assign(async () => Promise.reject(new (class Odd extends Error { override name = "Odd"; })("o")), { maxRetries: 0 }), "throw"); // prettier-ignore
  const cases = Object.entries(attempts).map(([name, expression]) => `${JSON.stringify(name)}:async()=>(${expression})`);
  const body = `async()=>{const cases={${cases.join(",\n")}};const result={};
    for(const[name,run]of Object.entries(cases))try{result[name]=await run()}catch(e){result[name]='threw '+e.name+': '+e.message}return result}`;
  const zone = process.env["TZ"];
  process.env["TZ"] = "America/St_Johns";
  const { live, replayed, seen } = await liveAndReplayed(body, [], () => Object.assign(process.env, { TZ: "Asia/Kolkata" }));
  Object.assign(process.env, { TZ: zone ?? "UTC" });
  expect(replayed).toBe(live);
  const results = seen as Record<string, unknown>;
  expect(Object.fromEntries(Object.keys(expected).map((name) => [name, results[name]]))).toEqual(expected);
  const threw = Object.entries(results).filter(([, value]) => typeof value === "string" && value.startsWith("threw"));
  expect(threw).toEqual([]);
  expect(JSON.stringify([results["stacks of errors"], results["messages with paths of the host"]])).not.toMatch(
    /node:|file:|\/work|\/home|node_modules/,
  );
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
