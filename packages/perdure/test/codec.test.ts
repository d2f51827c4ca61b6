import { expect, test } from "vitest";

import { decode, encode, encodeReading, encodeThrown, registerClass, UnknownInstance } from "../src/codec/index.ts";
import { FatalError, HookConflictError, PerdureError, WorkflowRunFailedError } from "../src/errors/index.ts";

const roundTrip = (value: unknown): unknown => decode(encode(value, "value"));

test.each<[string, unknown]>([
  ["undefined", undefined],
  ["null", null],
  ["strings with every kind of character", "a\0\u2028\ud800 \\u0000 \n€😀"],
  ["numbers that JSON loses", [NaN, Infinity, -Infinity, -0, 0]],
  ["bigint", 12345678901234567890n],
  ["dates", [new Date(0), new Date(NaN)]],
  ["maps and sets", new Map<unknown, unknown>([[{ a: 1 }, new Set([1, "x"])]])],
  ["regular expressions", /a+b/giu],
  ["typed arrays", [new Uint8Array([1, 2, 255]).subarray(1), new Float64Array([0.1]), new ArrayBuffer(3)]],
  ["sparse arrays", [1, , 3]], // oxlint-disable-line no-sparse-arrays
  ["objects with undefined", { a: undefined, b: [undefined] }],
  ["objects without a prototype", Object.assign(Object.create(null) as object, { a: 1 })],
  ["objects with a toJSON value", { toJSON: "not a function" }],
])("%s come back as they were", (_name, value) => {
  expect(roundTrip(value)).toStrictEqual(value);
});

test("cycles and shared references survive", () => {
  const shared = { n: 1 };
  const value: { a: object; b: object; self?: unknown } = { a: shared, b: shared };
  value.self = value;
  const back = roundTrip(value) as typeof value;
  expect(back.a).toBe(back.b);
  expect(back.self).toBe(back);
  const list = roundTrip([shared, shared]) as object[];
  expect(list[0]).toBe(list[1]);
});

test("errors keep class, name, message, cause, own properties, stack and brand", () => {
  const error = Object.assign(new FatalError("gone", { cause: new AggregateError([new RangeError("r")], "many") }), { status: 410 });
  const back = roundTrip(error) as FatalError & { status: number };
  expect(back).toBeInstanceOf(FatalError);
  expect(FatalError.is(back)).toBe(true);
  expect([back.name, back.message, back.status, back.stack]).toEqual(["FatalError", "gone", 410, error.stack]);
  expect(back.cause).toBeInstanceOf(AggregateError);
  expect((back.cause as AggregateError).errors[0]).toBeInstanceOf(RangeError);
  const failed = roundTrip(new WorkflowRunFailedError("run", new HookConflictError("t"))) as WorkflowRunFailedError;
  expect([
    PerdureError.is(failed),
    WorkflowRunFailedError.is(failed),
    HookConflictError.is(failed.cause),
    HookConflictError.is(failed),
  ]).toEqual([true, true, true, false]);
  expect(failed).toMatchObject({ code: "RUN_FAILED", runId: "run", cause: { code: "HOOK_CONFLICT", token: "t" } });
});

test("an error outlives properties that cannot be stored", () => {
  const error = Object.assign(new Error("socket closed"), { socket: { write: () => true }, code: "ECONNRESET" });
  expect(decode(encodeThrown(error))).toMatchObject({ message: "socket closed", code: "ECONNRESET" });
  expect(decode(encodeThrown("just text"))).toBe("just text");
  expect(decode(encodeThrown(() => 1))).toMatchObject({ message: expect.stringContaining("a function") as string });
});

test.each<[string, unknown, string]>([
  ["a function", [{ callback() {} }], "args[0].callback"],
  ["a promise", [[Promise.resolve()]], "args[0][0]"],
  ["a class instance", [{ deep: new (class Foo {})() }], "args[0].deep"],
  ["a symbol", [Symbol("s")], "args[0]"],
  ["a function in a map", [new Map([["k", () => 1]])], 'args[0].get("k")'],
  ["a WeakMap", ["x", new WeakMap()], "args[1]"],
])("%s is refused, with its path", (_name, args, path) => {
  expect(() => encode(args, "args")).toThrow(expect.objectContaining({ code: "SERIALIZATION_FAILED", path }));
});

test("the text holds neither NUL nor lone surrogates, so that any store can keep it", () => {
  const text = encode({ a: "\0\ud800", b: new Set(["\0\udfff"]) }, "value");
  expect(text).not.toContain("\0");
  expect(text).not.toMatch(/\p{Surrogate}/u);
  expect(Buffer.from(text, "utf8").toString("utf8")).toBe(text);
});

test("texts of former versions stay readable", () => {
  expect(decode("d-1")).toBe(undefined);
  expect(decode('j{"a":[1,null]}')).toEqual({ a: [1, null] });
  // As devalue wrote them.
  const old = `d[{"when":1,"map":2,"bytes":5,"big":7,"re":8,"nan":-3,"zero":-6,"self":0,"list":9,"url":10},["Date","1970-01-01T00:00:00.007Z"],["Map",3,4],"k",["Set",3],["Uint8Array",6],["ArrayBuffer","AQID"],["BigInt","9"],["RegExp","x","g"],[-2,4],["URL","http://a/"]]`;
  const value = decode(old) as Record<string, unknown>;
  expect(value).toMatchObject({
    when: new Date(7),
    map: new Map([["k", new Set(["k"])]]),
    bytes: new Uint8Array([1, 2, 3]),
    big: 9n,
    re: /x/g,
  });
  expect([value["nan"], value["zero"], value["self"] === value, String(value["url"])]).toEqual([NaN, -0, true, "http://a/"]);
  const error = decode(
    `d[["Error",1],{"class":2,"name":2,"message":3,"stack":4,"cause":5,"props":8,"brands":10},"FatalError","gone","FatalError: gone",[6],["Error",7],{"class":2,"name":2,"message":2,"stack":2,"cause":11,"props":12,"brands":11},{"fatal":9},true,[13],[],{},[14,9],"perdure.FatalError"]`,
  ) as FatalError;
  expect(FatalError.is(error)).toBe(true);
  expect([error.message, error.fatal, error.stack, error.cause instanceof FatalError]).toEqual(["gone", true, "FatalError: gone", true]);
});

test("the form of new texts is fixed: what is written today must be readable for ever", () => {
  const shared = { a: 1 };
  expect(encode({ when: new Date(7), both: [shared, shared], none: undefined, odd: -0 }, "value")).toBe(
    'p[[1],{"when":[2],"both":[3],"none":[-1],"odd":[-5]},["D",7],["A",[4],[4]],{"a":1}]',
  );
  const text = 'p[[1],["M","k",[2],[3],[-2]],["S",[4],[5]],["n","12"],["R","x","gi"],["V","Uint8Array",[6],1,2],["B","AAEC"]]';
  const value = decode(text) as Map<unknown, unknown>;
  expect(value).toEqual(new Map<unknown, unknown>([["k", new Set([/x/gi, new Uint8Array([1, 2])])], [12n, NaN]])); // prettier-ignore
  expect(encode(value, "value")).toBe(text);
  expect(() => decode('p[[1],["?",1]]')).toThrow("a node of the kind");
  expect(() => decode("p[[7]]")).toThrow("no node 7");
  expect(() => decode("x")).toThrow("Not a Perdure value");
});

test("errors may form long chains and circles, with anything in between", () => {
  let error = new Error("0");
  for (let depth = 1; depth < 1000; depth++) error = new Error(String(depth), { cause: depth % 2 ? error : { why: error } });
  let back = roundTrip(error) as Error;
  for (let depth = 999; depth > 0; depth--) back = (depth % 2 ? back.cause : (back.cause as { why: Error }).why) as Error;
  expect(back.message).toBe("0");
  const round = Object.assign(new AggregateError([], "round"), { context: new Map<string, unknown>() });
  round.errors.push(round);
  round.context.set("me", [round]);
  round.cause = round.context;
  const again = roundTrip(round) as typeof round;
  expect([again.errors[0], (again.context.get("me") as unknown[])[0], again.cause]).toEqual([again, again, again.context]);
  expect(Object.keys(again)).toEqual(["context", "cause"]);
});

test("an error loses only the member that cannot be stored, wherever it is in it", () => {
  const inner = Object.assign(new TypeError("inner"), { request: { deep: [{ socket: () => 1 }] }, status: 502 });
  const outer = Object.assign(new Error("outer", { cause: inner }), { list: [Symbol("s")], kept: [1n] });
  const back = roundTrip({ outer, inner }) as { outer: Error; inner: object };
  expect(back.outer.cause).toBe(back.inner);
  expect(back.outer).toMatchObject({ message: "outer", kept: [1n] });
  expect(["list", "request"].filter((key) => key in back.outer || key in back.inner)).toEqual([]);
  expect(back.inner).toMatchObject({ status: 502 });
});

class Node {
  readonly name: string;
  next: unknown = null;
  constructor(name: string) {
    this.name = name;
  }
  static [Symbol.for("workflow-serialize")]({ name, next }: Node): unknown {
    return [name, next];
  }
  static [Symbol.for("workflow-deserialize")](data: unknown): Node {
    const [name, next] = data as [string, unknown];
    return Object.assign(new Node(name), { next });
  }
}

test("instances may share, nest, and be in circles with containers, but not hold themselves", () => {
  registerClass("codec#Node", Node);
  const leaf = new Node("leaf");
  const tree = Object.assign(new Node("root"), { next: [leaf, leaf, new Map([[leaf, Object.assign(new Node("mid"), { next: leaf })]])] });
  const back = roundTrip(tree) as Node & { next: [Node, Node, Map<Node, Node>] };
  expect(back).toBeInstanceOf(Node);
  expect([back.next[0] === back.next[1], back.next[2].get(back.next[0])?.next === back.next[0], back.next[0].name]).toEqual([
    true,
    true,
    "leaf",
  ]);
  const owner: { node: Node } = { node: new Node("child") };
  owner.node.next = owner;
  const owned = roundTrip(owner) as typeof owner;
  expect(owned.node.next).toBe(owned);
  expect(() => encode([owner.node], "args")).toThrow(expect.objectContaining({ code: "SERIALIZATION_FAILED", path: "args[0]" }));
  class Unregistered extends Node {}
  expect(() => encode({ it: new Unregistered("x") }, "result")).toThrow(expect.objectContaining({ path: "result.it" }));
});

test("an instance of an unknown class is a frozen box that is stored as it came", () => {
  const text = 'p[[1],{"a":[2],"b":[2]},["C","elsewhere#Thing",[3]],{"data":[4]},["D",5]]';
  const box = decode(text) as { a: UnknownInstance; b: UnknownInstance };
  expect(box.a).toBeInstanceOf(UnknownInstance);
  expect(box.a).toBe(box.b);
  expect(Object.isFrozen(box.a)).toBe(true);
  expect(encode(box, "value")).toBe(text);
});

test.each<[string, unknown, string]>([
  [
    "a class instance in the value of a map",
    [new Map([[{}, { x: new (class Foo {})() }]])],
    "args[0].get(an object that is more than data).x",
  ],
  ["an object with a symbol for a key", [{ [Symbol("s")]: 1 }], "args[0]"],
  ["a generator", [[(function* () {})()]], "args[0][0]"],
  ["a member whose name is no identifier", [{ "a b": { "1x": () => 1 } }], 'args[0]["a b"].1x'],
  ["a SharedArrayBuffer", [new Uint8Array(new SharedArrayBuffer(1))], "args[0].buffer"],
  ["an element of a set", [new Set([1, () => 1])], "args[0][1]"],
  ["a stream", [new ReadableStream()], "args[0]"],
  ["an AbortController", [new AbortController()], "args[0]"],
  ["a WeakRef", [new WeakRef({})], "args[0]"],
  ["an unread response, where nobody waits", [{ got: new Response(new Blob(["x"]).stream()) }], "args[0].got"],
])("%s is refused with its path", (_name, args, path) => {
  expect(() => encode(args, "args")).toThrow(expect.objectContaining({ code: "SERIALIZATION_FAILED", path }));
});

test("bodies are read only when there are any", async () => {
  expect(encodeReading({ plain: 1 }, "result")).toBe('j{"plain":1}');
  const request = new Request("http://a/", { method: "POST", body: "q", headers: { "content-type": "x/y" } });
  const values = { response: new Response("r"), request, blob: new Blob(["b"]), file: new File(["f"], "n"), none: new Response(null) };
  const text = await encodeReading(values, "result");
  const back = decode(text) as typeof values;
  const texts = [back.response, back.request, back.blob, back.file, back.none].map((value) => value.text());
  expect(await Promise.all(texts)).toEqual(["r", "q", "b", "f", ""]);
  expect(encode(back, "result")).toBe(text);
  const used = new Response("x");
  await used.text();
  expect(() => encodeReading([used], "result")).toThrow(expect.objectContaining({ path: "result[0]" }));
});

test("a value that is too large is refused with what makes it so, and the limit can be set", () => {
  const value = { id: 1, pages: new Map([["first", { text: "é".repeat(600) }]]) };
  expect(() => encode(value, "result", { maxBytes: 1000, of: 'step "render"' })).toThrow(
    expect.objectContaining({
      code: "VALUE_TOO_LARGE",
      path: 'result.pages.get("first").text',
      limit: 1000,
      message: expect.stringContaining('of step "render"') as string,
    }),
  );
  const { length } = Buffer.from(encode(value, "result"));
  expect(encode(value, "result", { maxBytes: length })).toHaveLength(length - 600);
  expect(() => encode(value, "result", { maxBytes: length - 1 })).toThrow(expect.objectContaining({ size: length }));
  expect(() => encode("x".repeat(9_000_000), "args")).toThrow(expect.objectContaining({ limit: 8 * 1024 * 1024, path: "args" }));
  expect(decode(encodeThrown(new Error("x".repeat(9_000_000))))).toMatchObject({ message: expect.stringContaining("too large") as string });
});
