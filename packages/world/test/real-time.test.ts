import { test } from "vitest";
import { testWorld } from "@perdure/world/conformance";
import { createMemoryWorld } from "@perdure/world/memory";

// The suite as a World meets it whose clock cannot be set.
testWorld({
  test: (name, run) => test.concurrent(name, { timeout: 60_000 }, run),
  supports: { processes: false, durable: false },
  create() {
    const world = createMemoryWorld();
    return { open: async () => world, cleanup: async () => {} };
  },
});
