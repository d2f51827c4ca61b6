import fc from "fast-check";
import { expect, test } from "vitest";

import { SmallMap } from "../src/small-map.ts";

const keys = fc.constantFrom("a", "b", "c", "d");
const operations = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant("set" as const), key: keys, value: fc.option(fc.nat(9), { nil: undefined }) }),
    fc.record({ kind: fc.constant("delete" as const), key: keys }),
  ),
  { maxLength: 30 },
);

test("a small map answers as a Map does, in the same order", () => {
  fc.assert(
    fc.property(operations, (steps) => {
      const [small, map] = [new SmallMap<string, number | undefined>(), new Map<string, number | undefined>()];
      for (const step of steps) {
        if (step.kind === "set") {
          small.set(step.key, step.value);
          map.set(step.key, step.value);
        } else expect(small.delete(step.key)).toBe(map.delete(step.key));
        expect(small.size).toBe(map.size);
        expect([...small]).toEqual([...map]);
        expect([...small.values()]).toEqual([...map.values()]);
        for (const key of ["a", "b", "c", "d"]) expect([small.has(key), small.get(key)]).toEqual([map.has(key), map.get(key)]);
      }
    }),
  );
});

test("entries may be deleted while a small map is iterated", () => {
  const map = new SmallMap<string, number>();
  for (const key of ["a", "b", "c"]) map.set(key, 1);
  const seen: string[] = [];
  for (const [key] of map) {
    seen.push(key);
    map.delete(key);
    map.delete("b");
  }
  expect(seen).toEqual(["a", "c"]);
  expect(map.size).toBe(0);
});
