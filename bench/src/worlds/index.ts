import type { BenchWorld } from "./bench-world.ts";
import { openMemory } from "./memory.ts";
import { openSqlite } from "./sqlite.ts";

export type { BenchWorld } from "./bench-world.ts";

const openers: Readonly<Record<string, () => BenchWorld>> = { sqlite: openSqlite, memory: openMemory };

/** A new, empty World by its name on the command line. */
export function openBenchWorld(name: string): BenchWorld {
  const open = openers[name];
  if (!open) throw new TypeError(`There is no World "${name}".`);
  return open();
}
