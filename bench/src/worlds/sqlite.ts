import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createSqliteWorld } from "@perdure/world-sqlite";

import { createTurnBatcher, type Yardstick } from "../yardstick.ts";
import type { BenchWorld, OpenOptions } from "./bench-world.ts";
import { openSqliteFile, sqliteVersion } from "./sqlite-driver.ts";
import { createSqliteMeter } from "./sqlite-meter.ts";
import { createWorldYardstick } from "./world-yardstick.ts";

/** A new folder on the disk of the repository: the system's temporary folder may be memory, on which nothing is durable. */
export function createScratchFolder(): string {
  const parent = fileURLToPath(new URL("../../.perdure/", import.meta.url));
  mkdirSync(parent, { recursive: true });
  return mkdtempSync(join(parent, "bench-"));
}

/** A World on a new file; the yardsticks have files of their own beside it. */
export async function openSqlite({ metered = false }: OpenOptions): Promise<BenchWorld> {
  const folder = createScratchFolder();
  const path = join(folder, "world.db");
  // First, so that it sees all that the World prepares.
  const meter = metered ? createSqliteMeter(path) : null;
  return {
    world: createSqliteWorld({ path }),
    database: `${sqliteVersion()}, WAL, synchronous=FULL`,
    durable: true,
    place: path,
    bare: async (row) => createBareSqlite(join(folder, "bare.db"), row),
    commits: async (row) => createWorldYardstick(createSqliteWorld({ path: join(folder, "commits.db") }), row),
    meter,
    remove: async () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** Inserts without fences into a table like the World's history, with the World's settings. */
function createBareSqlite(path: string, row: Uint8Array): Yardstick {
  const { connection } = openSqliteFile(path);
  connection.prepare("PRAGMA journal_mode = WAL").get();
  connection.exec(`
    PRAGMA synchronous = FULL;
    PRAGMA wal_autocheckpoint = 10000;
    PRAGMA journal_size_limit = 67108864;
    PRAGMA cache_size = -32768;
    PRAGMA temp_store = MEMORY;
    CREATE TABLE history (run INTEGER NOT NULL, seq INTEGER NOT NULL, fence INTEGER NOT NULL, data BLOB NOT NULL) STRICT;
    CREATE UNIQUE INDEX history_row ON history (run, seq);
  `);
  const begin = connection.prepare("BEGIN IMMEDIATE");
  const insert = connection.prepare("INSERT INTO history (run, seq, fence, data) VALUES (?, ?, ?, ?)");
  const commit = connection.prepare("COMMIT");
  const lengths: number[] = [];

  async function write(producers: readonly number[]): Promise<void> {
    begin.run();
    for (const producer of producers) {
      const length = (lengths[producer] ?? 0) + 1;
      lengths[producer] = length;
      insert.run(producer, length, 1, row);
    }
    commit.run();
  }

  return {
    open: async () => undefined,
    append: createTurnBatcher(write),
    commitOne: () => write([0]),
    close: async () => connection.close(),
  };
}
