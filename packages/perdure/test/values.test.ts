import { expect, test } from "vitest";

import { start, type Run } from "../src/api/index.ts";
import {
  CancelledError,
  FatalError,
  HookConflictError,
  HookDisposedError,
  HookNoReplyError,
  HookNotFoundError,
  HookPayloadInvalidError,
  PerdureError,
  RetryableError,
  SerializationError,
  TimeoutError,
  ValueTooLargeError,
  WorkflowRunCancelledError,
  WorkflowRunFailedError,
  WorkflowRunNotFoundError,
} from "../src/errors/index.ts";
import { registerClass, step } from "../src/internal.ts";
import { useWorld } from "./support/lab.ts";
import { workflowOf } from "./support/bundle.ts";
import { liveAndReplayed } from "./support/live-and-replayed.ts";
import { printValue } from "./support/print-value.ts";

class PaymentError extends Error {
  readonly code = "declined";
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "PaymentError";
  }
}

class Money {
  readonly cents: bigint;
  readonly currency: string;
  constructor(cents: bigint, currency: string) {
    this.cents = cents;
    this.currency = currency;
  }
  static [Symbol.for("workflow-serialize")]({ cents, currency }: Money): unknown {
    return { cents, currency };
  }
  static [Symbol.for("workflow-deserialize")](data: unknown): Money {
    const { cents, currency } = data as Money;
    return new Money(cents, currency);
  }
}
registerClass("values#Money", Money);

const shared = { n: 1 };
const buffer = Uint8Array.from([0, 1, 2, 3, 4, 5, 6, 7, 250, 251, 252, 253, 254, 255, 0, 1]).buffer;

function circle(): unknown {
  const map = new Map<unknown, unknown>();
  const error = new Error("round");
  const value = {
    map,
    set: new Set<unknown>([map]),
    list: [map] as unknown[],
    error,
    none: Object.create(null) as Record<string, unknown>,
  };
  map.set("self", map).set(value, error);
  error.cause = value;
  value.none["up"] = value.list;
  value.list.push(value.list);
  return value;
}

/** Every kind, made anew for each test. */
const table: Readonly<Record<string, () => unknown>> = {
  undefined: () => undefined,
  null: () => null,
  strings: () => ["", "a\0\u2028\ud800", "€😀", "__proto__"],
  numbers: () => [0, -0, NaN, Infinity, -Infinity, 2 ** 53, 5e-324],
  bigints: () => [0n, -(2n ** 70n)],
  booleans: () => [true, false],
  "boxed primitives": () => [Object(1), Object(-0), Object("s"), Object(false), Object(7n)],
  dates: () => [new Date(0), new Date(8.64e15), new Date(NaN)],
  "regular expressions": () => [/a+\/b/giu, new RegExp("", "s")],
  arrays: () => [[], [undefined], [[[]]]],
  "arrays with holes": () => [[1, , 3], Array(5), Object.assign([, 1], { extra: "x" })], // oxlint-disable-line no-sparse-arrays
  "a very long empty array": () => Object.assign(Array(4_000_000_000), { 3_999_999_999: "end" }),
  "match arrays": () => /(?<a>b)/.exec("ab")?.slice(),
  objects: () => ({ a: undefined, "b c": { d: [] }, 1: 2, toString: "own", constructor: { name: "Object" } }),
  "objects with an own __proto__": () => JSON.parse('{"__proto__":{"a":1},"d":0}') as unknown,
  "objects without a prototype": () => Object.assign(Object.create(null) as object, { a: 1n }),
  maps: () => new Map<unknown, unknown>([[{ a: 1 }, new Map([[1, 2]])], [NaN, -0], ["__proto__", 1]]), // prettier-ignore
  sets: () => new Set<unknown>([new Set([1]), "x", undefined, 5n]),
  "array buffers": () => [buffer.slice(0), new ArrayBuffer(0)],
  "typed arrays of all kinds": () => [
    new Int8Array(buffer, 1, 2),
    new Uint8Array(buffer, 2),
    new Uint8ClampedArray(buffer, 3, 1),
    new Int16Array(buffer, 2, 2),
    new Uint16Array(buffer),
    new Int32Array(buffer, 4),
    new Uint32Array(buffer, 8, 1),
    new Float32Array(buffer, 0, 1),
    new Float64Array(buffer, 8),
    new BigInt64Array(buffer, 0, 1),
    new BigUint64Array(buffer, 8),
    new DataView(buffer, 3, 5),
  ],
  "a Buffer": () => ({ small: Buffer.from("from the pool"), empty: Buffer.alloc(0) }),
  "errors of the language": () => [
    new Error("e"),
    new EvalError("v"),
    new RangeError("r"),
    new ReferenceError("f"),
    new SyntaxError("s"),
    new TypeError("t"),
    new URIError("u"),
    new AggregateError([new TypeError("in"), 1], "many"),
  ],
  "errors with causes and properties": () =>
    Object.assign(new PaymentError("no", { cause: new RangeError("deep", { cause: undefined }) }), {
      at: new Date(1),
      tags: new Set(["a"]),
    }),
  "errors of the runtime": () => [new FatalError("f"), new RetryableError("r", { retryAfter: new Date(5) })],
  "signals that are aborted, or not": () => [AbortSignal.abort(new RangeError("r", { cause: 1 })), new AbortController().signal],
  "a DOMException": () => [new DOMException("gone", "AbortError"), new DOMException("m", { name: "X", cause: 1n } as unknown as string)],
  URLs: () => [new URL("https://exämple.org:8080/a%20b?x=1#y"), new URL("data:text/plain,hi")],
  URLSearchParams: () => new URLSearchParams("a=1&a=2&b=%20+&é"),
  Headers: () => new Headers([["B", "1"], ["a", "2"], ["b", "3"], ["Set-Cookie", "x"], ["set-cookie", "y"]]), // prettier-ignore
  Requests: () => [new Request("https://a.example/b", { method: "PUT", body: "text", headers: { a: "b" } }), new Request("http://c/")],
  Responses: () => [new Response("héllo", { status: 201, statusText: "Made" }), new Response(null, { status: 204 }), Response.json([1])],
  "blobs and files": () => [new Blob(["a", new Uint8Array([0, 255])], { type: "x/y" }), new File(["f"], "n.txt", { lastModified: 9 })],
  "a form": () => {
    const form = new FormData();
    form.append("a", "1");
    form.append("a", new File(["x"], "f.bin", { type: "a/b", lastModified: 3 }));
    return form;
  },
  "shared references": () => ({ a: shared, b: [shared, new Map([[shared, shared]])], c: new Error("e", { cause: shared }) }),
  circles: circle,
  "deep nesting": () => {
    let value: unknown = null;
    for (let depth = 0; depth < 5000; depth++) value = { value, odd: undefined };
    return [(value as { odd: unknown }).odd, depthOf(value)];
  },
};

function depthOf(value: unknown): number {
  let depth = 0;
  for (let next = value; next; next = (next as { value: unknown }).value) depth++;
  return depth;
}

test("every kind of value is the same live, replayed, as the caller sees it, and where it is passed on", async () => {
  step("values#make", async (name: string) => table[name]?.(), "make");
  step("values#print", async (value: unknown) => printValue(value), "print");
  const names = Object.keys(table);
  const { live, replayed, seen } = await liveAndReplayed(
    `async(names)=>{const made=await Promise.all(names.map(async(name)=>[name,await callStep('values#make',[name])]));
    return [Object.fromEntries(made),await Promise.all(made.map(([,value])=>callStep('values#print',[value])))]}`,
    [names],
  );
  const expected = Object.fromEntries(names.map((name) => [name, table[name]?.()]));
  expect(live).toBe(printValue([expected, names.map((name) => printValue(table[name]?.()))]));
  expect(replayed).toBe(live);
  expect(printValue(seen)).toBe(live);
});

test.each(Object.entries(table))("%s: what the caller gets is of the caller's own classes", async (name, make) => {
  step("values#one", async () => make(), "one");
  await useWorld();
  const run = await start(workflowOf(`values#pass-${name}`, "async(v)=>[v,await callStep('values#one',[v])]"), [
    name === "Responses" ? [] : null,
  ]);
  const [, seen] = (await run.returnValue) as unknown[];
  const expected = make();
  if (/^objects$|causes|Request|Response|blob|form|circles|very long|signals/.test(name))
    expect(printValue(seen)).toBe(printValue(expected));
  else expect(seen).toStrictEqual(expected);
});

test("bodies arrive, on either side and again after a replay", async () => {
  step("values#fetch", async () => new Response(new Blob(["streamed"]).stream(), { headers: { "content-type": "text/plain" } }), "fetch");
  step("values#read", async (response: Response) => `step read ${await response.text()}`, "read");
  const { live, replayed, seen } = await liveAndReplayed(
    `async()=>{const got=await callStep('values#fetch',[]);const blob=new Blob(['b']);const again=await callStep('values#read',[got]);
    return [again,await got.clone().text(),got,await new Request('http://a/',{method:'POST',body:'q'}).text(),blob]}`,
  );
  expect(replayed).toBe(live);
  const [again, text, response, , blob] = seen as [string, string, Response, string, Blob];
  expect([again, text, await response.text(), await blob.text()]).toEqual(["step read streamed", "streamed", "streamed", "b"]);
  expect(response).toBeInstanceOf(Response);
});

test("errors keep their identity through a step that throws, a workflow that catches and throws, and to the caller", async () => {
  step(
    "values#throw",
    async () => Promise.reject(Object.assign(new PaymentError("no", { cause: new FatalError("why") }), { fatal: true })),
    "throw",
  );
  Object.assign(step("values#fatal", async () => Promise.reject(new FatalError("never", { cause: new PaymentError("card") })), "fatal"));
  await useWorld();
  const body = `async()=>{try{await callStep('values#fatal',[])}catch(e){
    throw Object.assign(new RangeError('outer',{cause:e}),{isError:e instanceof Error,name2:e.name,inner:e.cause.constructor.name,same:e.cause.name})}}`;
  const failure = (await (await start(workflowOf("values#errors", body), [])).returnValue.catch((error: unknown) => error)) as Error;
  const outer = failure.cause as RangeError & { isError: boolean };
  expect(outer).toBeInstanceOf(RangeError);
  expect(outer).toMatchObject({ isError: true, name2: "FatalError", inner: "PaymentError", same: "PaymentError" });
  expect(FatalError.is(outer.cause)).toBe(true);
  expect(PerdureError.is(outer.cause)).toBe(false);
  expect((outer.cause as Error).cause).toMatchObject({ name: "PaymentError", message: "card", code: "declined" });
});

/** One of each class of the runtime's errors. */
const runtimeErrors: readonly (Error & { readonly code?: string })[] = [
  new PerdureError("NOT_IN_STEP", "x", { cause: 1 }),
  new CancelledError(new RangeError("why")),
  new TimeoutError("The step", 5),
  new HookConflictError("t"),
  new HookDisposedError("t"),
  new HookNoReplyError("r", "t"),
  new HookNotFoundError("t"),
  HookPayloadInvalidError.unreadable("t", new TypeError("c")),
  new WorkflowRunCancelledError("r", "why"),
  new WorkflowRunFailedError("r", new SyntaxError("s")),
  new WorkflowRunNotFoundError("r"),
  new FatalError("f", { cause: new URIError("u") }),
  new RetryableError("r", { retryAfter: new Date(5) }),
  new SerializationError("args[0]", "is odd"),
  new ValueTooLargeError("result", 9, 8, "the step"),
];

test("errors of the runtime's classes are instances of them, with all that they hold, on both sides and after a replay", async () => {
  expect(runtimeErrors.map(({ name }) => name).sort()).toEqual(Object.keys(await import("../src/errors/index.ts")).sort());
  const identity = (error: Error & { code?: string }, Class: { is(value: unknown): boolean }, print = printValue): unknown[] => [
    error instanceof (Class as unknown as typeof Error),
    Class.is(error),
    error.name,
    error.code,
    error.message,
    print(error),
  ];
  step(
    "values#fail",
    Object.assign(async (index: number) => Promise.reject(runtimeErrors[index]), { maxRetries: 0 }),
    "fail",
  );
  const { live, replayed, seen } = await liveAndReplayed(
    `(()=>{const print=${printValue.toString()};const identity=${identity.toString()};return async(names)=>{const all=[];for(const[index,name] of names.entries()){
    const error=await callStep('values#fail',[index]).catch(e=>e);all.push([identity(error,__perdure[name],print),error])}return all}})()`,
    [runtimeErrors.map(({ name }) => name)],
  );
  expect(replayed).toBe(live);
  for (const [index, [inWorkflow, error]] of (seen as [unknown[], Error][]).entries()) {
    const thrown = runtimeErrors[index]!;
    const Class = thrown.constructor as unknown as { is(value: unknown): boolean };
    expect(inWorkflow).toEqual(identity(thrown, Class));
    expect(inWorkflow.slice(0, 2)).toEqual([true, true]);
    expect(identity(error, Class)).toEqual(inWorkflow);
  }
});

test("an error of somebody else's class that has the name of one of ours is none of ours", async () => {
  const TheirError = { TimeoutError: class extends Error {} }.TimeoutError;
  step(
    "values#other",
    Object.assign(async () => Promise.reject(new TheirError("theirs")), { maxRetries: 0 }),
    "other",
  );
  await useWorld();
  const body =
    "async()=>{try{await callStep('values#other',[])}catch(e){return [e.constructor.name,e instanceof __perdure.TimeoutError,e]}}";
  const [name, isOurs, error] = (await (await start(workflowOf("values#theirs", body), [])).returnValue) as [string, boolean, Error];
  expect([name, isOurs, error.constructor.name, error instanceof TimeoutError]).toEqual(["TimeoutError", false, "TimeoutError", false]);
});

test("a regular expression begins anew, wherever it arrives", async () => {
  const moved = Object.assign(/a/g, { lastIndex: 3 });
  step("values#moved", async (given: RegExp) => [moved, given.lastIndex], "moved");
  const { live, replayed, seen } = await liveAndReplayed(
    "async()=>{const r=/b/y;r.lastIndex=2;const [m,i]=await callStep('values#moved',[r]);return [m.lastIndex,i,m]}",
  );
  expect(replayed).toBe(live);
  expect(seen).toEqual([0, 0, /a/g]);
});

test("handles of runs, references, instances, streams and signals are what they were after a replay, and where they are passed on", async () => {
  const ping = step("values#pong", async () => "pong", "pong");
  const other = workflowOf("values#child", "async(x)=>x+1");
  step("values#hand", async () => {
    const run = await start(other, [1]);
    const stream = new ReadableStream({ start: (c) => (c.enqueue("chunk"), c.close()) }); // prettier-ignore
    return { run, ping, other, price: new Money(7n, "EUR"), stream, signal: AbortSignal.abort("done") };
  }, "hand"); // prettier-ignore
  interface Handed { run: Run<number>; ping: typeof ping; other: typeof other; price: Money; stream: ReadableStream; signal: AbortSignal } // prettier-ignore
  const look = async ({ run, ping: called, other: flow, price, stream, signal }: Handed): Promise<unknown[]> => {
    const chunks: unknown[] = [];
    for await (const chunk of stream) chunks.push(chunk);
    return [
      await run.returnValue,
      await called(),
      await (await start(flow, [4])).returnValue,
      price instanceof Money && price.cents,
      chunks,
      signal.aborted,
      signal.reason,
    ];
  };
  step("values#look", look, "look");
  const { live, replayed, seen } = await liveAndReplayed(
    `(()=>{${moneyText}__perdure.registerClass('values#Money',Money);return async()=>{const all=await callStep('values#hand',[]);
    const {run,ping,price,signal}=all;return [await run.returnValue,await ping(),price instanceof Money,price.plus(1n).cents,signal.aborted,await callStep('values#look',[all]),all]}})()`,
  );
  expect(replayed).toBe(live);
  const [result, pong, isMoney, cents, aborted, inStep, all] = seen as [number, string, boolean, bigint, boolean, unknown[], Handed];
  expect([result, pong, isMoney, cents, aborted]).toEqual([2, "pong", true, 8n, true]);
  expect(inStep).toEqual([2, "pong", 5, 7n, ["chunk"], true, "done"]);
  expect(await look(all)).toEqual(inStep);
});

const moneyText = `class Money{constructor(c,u){this.cents=c;this.currency=u}static[Symbol.for('workflow-serialize')]({cents,currency}){return{cents,currency}}
  static[Symbol.for('workflow-deserialize')](d){return new Money(d.cents,d.currency)}plus(n){return new Money(this.cents+n,this.currency)}}`;

test("instances of registered classes come alive on both sides, and pass where the class is unknown", async () => {
  step("values#price", async () => [new Money(5n, "EUR")], "price");
  step("values#isMoney", async (value: unknown) => value instanceof Money, "isMoney");
  const known = await liveAndReplayed(
    `(()=>{${moneyText}__perdure.registerClass('values#Money',Money);return async()=>{const [price]=await callStep('values#price',[]);
    const sum=price.plus(1n);return [price instanceof Money,await callStep('values#isMoney',[sum]),sum,[sum]]}})()`,
  );
  expect(known.replayed).toBe(known.live);
  const [isMoney, isMoneyInStep, sum, [again]] = known.seen as [boolean, boolean, Money, [Money]];
  expect([isMoney, isMoneyInStep, sum instanceof Money, sum.cents, again === sum]).toEqual([true, true, true, 6n, true]);
  const unknown = await liveAndReplayed(
    `async()=>{const [price]=await callStep('values#price',[]);let frozen=false;try{price.x=1}catch{frozen=true}return [frozen,await callStep('values#isMoney',[price]),price]}`,
  );
  expect(unknown.replayed).toBe(unknown.live);
  expect(unknown.seen).toEqual([true, true, new Money(5n, "EUR")]);
});

test("classes that one run registers are unknown to the others", async () => {
  step("values#price", async () => [new Money(5n, "EUR")], "price");
  await useWorld();
  const registering = `(()=>{${moneyText}__perdure.registerClass('values#Money',Money);return async()=>{await callStep('values#price',[]);return 1}})()`;
  await (
    await start(workflowOf("values#registering", registering), [])
  ).returnValue;
  const other = await start(
    workflowOf(
      "values#other",
      "async()=>{const c=(await callStep('values#price',[]))[0].constructor;return [c.name,Object.isFrozen(c),Object.isFrozen(c.prototype)]}",
    ),
    [],
  );
  expect(await other.returnValue).toEqual(["UnknownInstance", true, true]);
});

test("references to steps and workflows pass through workflow code and come back as the functions", async () => {
  const ping = step("values#ping", async () => "pong", "ping");
  const other = workflowOf("values#referenced", "async()=>'started'");
  step("values#give", async () => ({ ping, other }), "give");
  step("values#isPing", async (fn: unknown) => fn === ping, "isPing");
  await useWorld();
  const body = "async()=>{const {ping,other}=await callStep('values#give',[]);return [await callStep('values#isPing',[ping]),ping,other]}";
  const [isPing, back, workflow] = (await (
    await start(workflowOf("values#references", body), [])
  ).returnValue) as [boolean, typeof ping, typeof other];
  expect([isPing, back === ping, await back()]).toEqual([true, true, "pong"]);
  expect(await (await start(workflow, [])).returnValue).toBe("started");
});

test("a step's response that was read already, and a value that is too large, fail the step with the path", async () => {
  step("values#spent", async () => { const response = new Response("x"); await response.text(); throw Object.assign(new FatalError(""), { response }); }, "spent"); // prettier-ignore
  const large = Object.assign(async () => ({ small: 1, rows: [["x".repeat(9 * 1024 * 1024)]] }), { maxRetries: 0 });
  step("values#large", large, "large");
  await useWorld();
  const caught = "async(id)=>{try{await callStep(id,[])}catch(e){return [e.name,e.code,e.path,e.limit,'response' in e]}}";
  const outcome = async (id: string): Promise<unknown> => (await start(workflowOf(`values#catch-${id}`, caught), [id])).returnValue;
  expect(await outcome("values#large")).toEqual(["ValueTooLargeError", "VALUE_TOO_LARGE", "result.rows[0][0]", 8 * 1024 * 1024, false]);
  expect(await outcome("values#spent")).toEqual(["FatalError", undefined, undefined, undefined, false]);
});
