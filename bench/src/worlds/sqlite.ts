import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createSqliteWorld } from "@perdure/world-sqlite";

import { createTurnBatcher, type Yardstick } from "../yardstick.ts";
import type { BenchWorld } from "./bench-world.ts";
import { openSqliteFile, sqliteVersion } from "./sqlite-driver.ts";
import { createWorldYardstick } from "./world-yardstick.ts";

/** A new folder on the disk of the repository: the system's temporary folder may be memory, on which nothing is durable. */
export function createScratchFolder(): string {
  const parent = fileURLToPath(new URL("../../.perdure/", import.meta.url));
  mkdirSync(parent, { recursive: true });
  return mkdtempSync(join(parent, "bench-"));
}

/** A World on a new file; the yardsticks have files of their own beside it. */
export function openSqlite(): BenchWorld {
  const folder = createScratchFolder();
  return {
    world: createSqliteWorld({ path: join(folder, "world.db") }),
    database: `${sqliteVersion()}, WAL, synchronous=FULL`,
    durable: true,
    bare: (row) => createBareSqlite(join(folder, "bare.db"), row),
    commits: async (row) => createWorldYardstick(createSqliteWorld({ path: join(folder, "commits.db") }), row),
    remove: () => rmSync(folder, { recursive: true, force: true }),
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
