import { existsSync, fsyncSync, mkdirSync, openSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";

import { config } from "../config.ts";

/** What every entry has: the idempotency key of the request that made it, and when that was (ms since the epoch). */
export interface Entry {
  readonly key: string;
  readonly orderId: string;
  readonly at: number;
}

/** What one of the services around ours remembers: an append-only file of JSON lines. */
export interface Ledger<T extends Entry> {
  /**
   * Writes an entry to disk, unless there is one with this key: then it returns that one and writes nothing, as a service does that takes
   * idempotency keys.
   */
  record(entry: Omit<T, "at">): T;
}

/** Opens a ledger of the folder `ORDERS_LEDGERS`; what earlier processes wrote is in it. */
export function openLedger<T extends Entry>(name: string): Ledger<T> {
  mkdirSync(config.ledgers, { recursive: true });
  const path = join(config.ledgers, `${name}.jsonl`);
  const known = new Map(readEntries<T>(path).map((entry) => [entry.key, entry]));
  const file = openSync(path, "a");
  return {
    // Synchronous on purpose: nothing comes between the look and the write.
    record(data) {
      const before = known.get(data.key);
      if (before) return before;
      const entry = { ...data, at: Date.now() } as T;
      writeSync(file, `${JSON.stringify(entry)}\n`);
      fsyncSync(file);
      known.set(entry.key, entry);
      return entry;
    },
  };
}

/** All entries of a file of JSON lines, oldest first; none if there is no such file. A last line that is not complete yet is left out. */
export function readEntries<T>(path: string): T[] {
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, "utf8").split("\n").slice(0, -1);
  return lines.map((line) => JSON.parse(line) as T);
}
