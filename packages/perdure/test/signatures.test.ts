import { describe, expect, test } from "vitest";

import { type Signature, type SignatureParameter, differenceOf, readSignatures } from "../src/api/signatures.ts";

const typed = (type: string | null, more: Partial<SignatureParameter> = {}): SignatureParameter => ({ type, keys: null, ...more });
const takes = (...parameters: SignatureParameter[]): Signature => ({ parameters, returns: null });
const pattern = (keys: string[], optionalKeys?: string[]) =>
  takes({ type: null, keys, ...(optionalKeys === undefined ? {} : { optionalKeys }) });
const returns = (type: string | null): Signature => ({ parameters: [], returns: type });

const one = takes(typed("string"));
const two = takes(typed("string"), typed("number"));
const three = takes(typed("string"), typed("number"), typed("Currency"));

describe("a step differs for its callers", () => {
  test.each<[string, Signature, Signature]>([
    ['parameter 2 was "number" and is "string"', two, takes(typed("string"), typed("string"))],
    ['has a third parameter "Currency" that must be given', two, three],
    ["has a second parameter that must be given", one, takes(typed("string"), typed(null))],
    ["has a second parameter { id } that must be given", one, takes(typed("string"), { type: null, keys: ["id"] })],
    ["took 3 parameters and takes 2", three, two],
    ["took 1 parameter and takes 0", one, takes()],
    ["took 2 parameters and takes 1", takes(typed("string"), typed("number", { optional: true })), one],
    ["took any number of parameters and takes 1", takes(typed("string"), typed("number[]", { rest: true })), one],
    ["parameter 2 could be left out and must be given", takes(typed("A"), typed("B", { optional: true })), takes(typed("A"), typed("B"))],
    ["parameter 1 took { amount, id } and takes { amount, currency }", pattern(["amount", "id"]), pattern(["amount", "currency"])],
    ["parameter 1 took { currency?, id } and takes { currency, id }", pattern(["id"], ["currency"]), pattern(["currency", "id"])],
    ["parameter 1 took {} and takes { id }", pattern([]), pattern(["id"])],
    ['returned "Promise<string>" and returns "Promise<Receipt>"', returns("Promise<string>"), returns("Promise<Receipt>")],
    ['returned "Promise<A>" and returns "Promise<A | null>"', returns("Promise<A>"), returns("Promise<A | null>")],
    ['parameter 1 was "A | B" and is "A"', takes(typed("A | B")), takes(typed("A"))],
    ['parameter 1 was "A | undefined" and is "A"', takes(typed("A | undefined", { optional: true })), takes(typed("A"))],
    ['parameter 1 was "Map<A, B | C>" and is "Map<A, B>"', takes(typed("Map<A, B | C>")), takes(typed("Map<A, B>"))],
    ['parameter 1 was "() => A | B" and is "() => A | B | C"', takes(typed("() => A | B")), takes(typed("() => A | B | C"))],
    [
      'each further parameter was "A | B" and is "A"',
      takes(typed("(A | B)[]", { rest: true })),
      takes(typed("readonly A[]", { rest: true })),
    ],
    ['parameter 1 was "A" and is "B"', takes(typed("A")), takes(typed("Array<B>", { rest: true }))],
    [
      'parameter 1 was "A" and is "B"',
      takes(typed("A[]", { rest: true })),
      takes(typed("B", { optional: true }), typed("A[]", { rest: true })),
    ],
    [
      'reads "currency" of the function around it, which it was not given',
      { ...one, captures: ["fee"] },
      { ...one, captures: ["currency", "fee"] },
    ],
    ["needs the instance on which it is called, which it was not given", one, { ...one, self: true }],
  ])("%s", (difference, before, now) => {
    expect(differenceOf(before, now)).toBe(difference);
  });

  test("the first difference is told, parameters before the result", () => {
    const before = { ...two, returns: "Promise<A>" };
    expect(differenceOf(before, { parameters: [typed("Id"), typed("Price")], returns: "Promise<B>" })).toMatch(/^parameter 1 was/);
    expect(differenceOf(before, { ...two, returns: "Promise<B>" })).toMatch(/^returned/);
  });
});

describe("no difference for its callers is", () => {
  test.each<[string, Signature, Signature]>([
    ["nothing at all", { ...three, captures: ["fee"], self: true }, { ...three, captures: ["fee"], self: true }],
    ["a parameter at the end that may be left out", one, takes(typed("string"), typed("number", { optional: true }))],
    ["a parameter at the end that takes all further ones", one, takes(typed("string"), typed("number[]", { rest: true }))],
    ["a parameter that may be left out now", two, takes(typed("string"), typed("number", { optional: true }))],
    [
      "a parameter that may be left out by its type",
      takes(typed("A | undefined", { optional: true })),
      takes(typed("A", { optional: true })),
    ],
    ["a parameter whose type was not known", takes(typed(null)), takes(typed("string"))],
    ["a parameter whose type is not known", takes(typed("string")), takes(typed(null))],
    ["a parameter that was of any type", takes(typed("any")), takes(typed("string"))],
    ["a parameter that takes everything", takes(typed("string")), takes(typed("unknown"))],
    ["a pattern that has a type now", pattern(["id"]), takes(typed("Order"))],
    ["a further alternative of a parameter", takes(typed('"a | b" | "c"')), takes(typed('"a | b" | "c" | (() => void)'))],
    ["alternatives in another order", takes(typed("A | B")), takes(typed("B | A"))],
    ["keys that are not read any more", pattern(["amount", "id"], ["note"]), pattern(["id"])],
    ["a key with a default value", pattern(["id"]), pattern(["id"], ["currency"])],
    ["a key that has a default value now", pattern(["id"]), pattern([], ["id"])],
    ["a result whose type is not known", returns("Promise<A>"), returns(null)],
    ["a result that was nothing", returns("Promise<void>"), returns("Promise<A>")],
    ["an alternative that is no result any more", returns("Promise<A | null>"), returns("Promise<A>")],
    ["the form of an array", takes(typed("A[]", { rest: true })), takes(typed("readonly A[]", { rest: true }))],
    ["a list of unknown form", takes(typed("[A, B]", { rest: true })), takes(typed("A", { optional: true }), typed("D", { rest: true }))],
    ["parameters out of the list", takes(typed("A"), typed("A")), takes(typed("A[]", { rest: true }))],
    ["a variable that it does not read any more", { ...one, captures: ["fee"] }, one],
    ["an instance that it does not need any more", { ...one, self: true }, one],
  ])("%s", (_, before, now) => {
    expect(differenceOf(before, now)).toBeNull();
  });
});

describe("the signatures in a source map", () => {
  const signature: Signature = { ...three, returns: "Promise<Receipt>", captures: ["fee"], self: true };
  const mapWith = (steps: unknown) => JSON.stringify({ version: 3, sources: [], names: [], mappings: "", x_perdure_steps: steps });

  test("are found by the ids of the steps", () => {
    const read = readSignatures(mapWith({ "shop/a.ts#a": signature, "shop/a.ts#b": pattern(["id"], ["note"]) }));
    expect([...(read ?? [])]).toEqual([
      ["shop/a.ts#a", signature],
      ["shop/a.ts#b", pattern(["id"], ["note"])],
    ]);
    expect(readSignatures(mapWith({}))).toEqual(new Map());
  });

  test("may have members that a later compiler adds", () => {
    const later = { ...signature, parameters: [{ ...typed("A"), since: 3 }], throws: ["Declined"] };
    expect(readSignatures(mapWith({ "shop/a.ts#a": later }))?.get("shop/a.ts#a")).toEqual(later);
  });

  test.each([
    ["of an older compiler", JSON.stringify({ version: 3, sources: [], names: [], mappings: "" })],
    ["that is cut off", mapWith({ "shop/a.ts#a": signature }).slice(0, -9)],
    ["that is empty", ""],
    ["that is no object", "[]"],
    ["with something else in their place", mapWith([signature])],
    ["with a signature without parameters", mapWith({ "shop/a.ts#a": { returns: null } })],
    ["with a parameter that is none", mapWith({ "shop/a.ts#a": { parameters: ["id"], returns: null } })],
    ["with a type that is no text", mapWith({ "shop/a.ts#a": { parameters: [{ type: 1, keys: null }], returns: null } })],
    ["with keys that are no texts", mapWith({ "shop/a.ts#a": { parameters: [{ type: null, keys: [1] }], returns: null } })],
  ])("are null for a map %s", (_, map) => {
    expect(readSignatures(map)).toBeNull();
  });
});
