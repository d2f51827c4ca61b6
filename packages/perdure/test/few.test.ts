import fc from "fast-check";
import { expect, test } from "vitest";

import { countOf, each, find, put, without, type Few } from "../src/few.ts";

interface Thing {
  readonly op: string;
  readonly value: number;
}

const keys = fc.constantFrom("a", "b", "c", "d");
const operations = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant("put" as const), op: keys, value: fc.nat(9) }),
    fc.record({ kind: fc.constant("without" as const), op: keys }),
  ),
  { maxLength: 30 },
);

test("few things are found as in a Map, in the same order", () => {
  fc.assert(
    fc.property(operations, (steps) => {
      let few: Few<Thing> = null;
      const map = new Map<string, Thing>();
      for (const step of steps) {
        if (step.kind === "put") {
          const thing = { op: step.op, value: step.value };
          few = put(few, thing);
          map.set(step.op, thing);
        } else {
          few = without(few, step.op);
          map.delete(step.op);
        }
        expect(countOf(few)).toBe(map.size);
        expect(few === null).toBe(map.size === 0);
        expect([...each(few)]).toEqual([...map.values()]);
        for (const op of ["a", "b", "c", "d"]) expect(find(few, op)).toBe(map.get(op));
      }
    }),
  );
});

test("things may be taken away while they are looked at", () => {
  let few: Few<{ readonly op: string }> = null;
  for (const op of ["a", "b", "c"]) few = put(few, { op });
  const seen: string[] = [];
  for (const { op } of each(few)) {
    seen.push(op);
    few = without(without(few, op), "b");
  }
  expect(seen).toEqual(["a", "c"]);
  expect(few).toBeNull();
});
