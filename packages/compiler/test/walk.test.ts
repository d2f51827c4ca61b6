import { VISITOR_KEYS } from "@babel/types";
import { expect, test } from "vitest";
import { childKeys } from "../src/parse/child-keys.ts";
import { parse } from "../src/parse/parse.ts";
import { walk } from "../src/parse/walk.ts";
import { isTypeOnly } from "../src/parse/nodes.ts";
import { fixtures } from "./fixture-folders.ts";

/** The keys that hold types, and a former name of `attributes`. */
const typeKeys = /^(?:type\w+|returnType|predicate|superTypeParameters|implements|mixins|variance|assertions)$/;

test("the walk follows Babel's own visitor keys, types aside", () => {
  for (const [type, keys] of Object.entries(childKeys)) {
    expect([type, keys]).toEqual([type, VISITOR_KEYS[type]?.filter((key) => !typeKeys.test(key))]);
  }
});

test("every type of node in the fixtures that is not a mere type is in the list", () => {
  const unknown = new Set<string>();
  for (const { code, input } of fixtures("compile")) {
    const parsed = parse(code, input);
    if (!parsed.ok) continue;
    walk(parsed.file.program, (node) => {
      if (isTypeOnly(node)) return false;
      if (!Object.hasOwn(childKeys, node.type)) unknown.add(node.type);
      return true;
    });
  }
  expect([...unknown]).toEqual([]);
});
