import { createMemoryWorld } from "@perdure/world/memory";

import type { BenchWorld } from "./bench-world.ts";
import { createWorldYardstick } from "./world-yardstick.ts";

/** Nothing is stored: what remains is the cost of the runtime itself. */
export async function openMemory(): Promise<BenchWorld> {
  const commits = async (row: Uint8Array) => createWorldYardstick(createMemoryWorld(), row);
  return {
    world: createMemoryWorld(),
    database: "memory",
    durable: false,
    place: null,
    bare: () => {
      throw new TypeError("The memory World has no storage below it.");
    },
    commits,
    meter: null,
    remove: async () => undefined,
  };
}
