import { test } from "vitest";
import { checkedWorld, testWorld } from "@perdure/world/conformance";
import { createMemoryWorld } from "@perdure/world/memory";

testWorld({
  test,
  supports: { processes: false, durable: false },
  create() {
    let time = Date.now();
    const world = createMemoryWorld({ now: () => time });
    return { open: async () => world, advance: (ms) => void (time += Math.ceil(ms)), cleanup: async () => {} };
  },
});

// The checks raise no false alarm, whatever the suite does.
testWorld({
  test: (name, run) => test(`checked: ${name}`, run),
  supports: { processes: false, durable: false },
  create() {
    let time = Date.now();
    const world = checkedWorld(createMemoryWorld({ now: () => time }));
    return { open: async () => world, advance: (ms) => void (time += Math.ceil(ms)), cleanup: async () => {} };
  },
});
