import type { World } from "@perdure/world";
import { createPostgresWorld } from "@perdure/world-postgres";
import { createSqliteWorld } from "@perdure/world-sqlite";

import type { BenchWorld, OpenOptions } from "./bench-world.ts";
import { openMemory } from "./memory.ts";
import { openPostgres } from "./postgres.ts";
import { openSqlite } from "./sqlite.ts";

export type { BenchWorld } from "./bench-world.ts";

interface Kind {
  /** A new, empty World. */
  open(options: OpenOptions): Promise<BenchWorld>;
  /** The World of another process's {@link BenchWorld.place}. */
  openPlace?(place: string): World;
}

const kinds: Readonly<Record<string, Kind>> = {
  sqlite: { open: openSqlite, openPlace: (path) => createSqliteWorld({ path }) },
  postgres: { open: openPostgres, openPlace: (url) => createPostgresWorld({ url }) },
  memory: { open: openMemory },
};

function kindOf(name: string): Kind {
  const kind = kinds[name];
  if (!kind) throw new TypeError(`There is no World "${name}".`);
  return kind;
}

/** A new, empty World by its name on the command line. */
export function openBenchWorld(name: string, options: OpenOptions): Promise<BenchWorld> {
  return kindOf(name).open(options);
}

/** The same World as in the process that opened it first. */
export function openPlace(name: string, place: string): World {
  const world = kindOf(name).openPlace?.(place);
  if (!world) throw new TypeError(`The World "${name}" is one process's own.`);
  return world;
}
