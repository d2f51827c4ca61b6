import { expect, test } from "vitest";

import { decode, encode, encodeThrown } from "../src/codec/index.ts";
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
