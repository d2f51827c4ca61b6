import { closeSync, openSync, readSync, statSync } from "node:fs";

import type { Counts, Meter } from "./meter.ts";
import { openSqliteFile } from "./sqlite-driver.ts";
import { spyOnSqlite } from "./sqlite-spy.ts";

/** Meters a World that will be opened on `path` by this process. Nothing else may use the file. */
export function createSqliteMeter(path: string): Meter {
  const spy = spyOnSqlite();
  let walBytes: number | undefined = 0;

  /** Moves the log into the database, which empties it: what it held since the last time is what was written, unless SQLite began it anew meanwhile. */
  function emptyLog(): void {
    const before = logOf(path);
    const { connection } = openSqliteFile(path);
    connection.prepare("PRAGMA wal_checkpoint(TRUNCATE)").get();
    connection.close();
    walBytes = before === null || walBytes === undefined ? undefined : walBytes + before;
  }

  async function read(): Promise<Counts> {
    const { rows, statements, commits } = spy;
    emptyLog();
    return { at: performance.now(), rows, statements, commits, ...(walBytes !== undefined && { walBytes }) };
  }

  return {
    read,
    readSettled: read,
    async storedBytes() {
      emptyLog();
      return statSync(path).size;
    },
  };
}

const headerBytes = 32;
const frameHeaderBytes = 24;

/**
 * Bytes of the frames in the log, or null when it was begun anew since it was emptied: its first frames are then overwritten.
 * https://www.sqlite.org/fileformat2.html#walformat
 */
function logOf(path: string): number | null {
  const { size } = statSync(`${path}-wal`, { throwIfNoEntry: false }) ?? { size: 0 };
  if (size === 0) return 0;
  const file = openSync(`${path}-wal`, "r");
  const header = Buffer.alloc(headerBytes);
  readSync(file, header, 0, headerBytes, 0);
  const frameBytes = frameHeaderBytes + header.readUInt32BE(8);
  const salts = header.subarray(16, 24);
  const frame = Buffer.alloc(frameHeaderBytes);
  let offset = headerBytes;
  for (; offset + frameBytes <= size; offset += frameBytes) {
    readSync(file, frame, 0, frameHeaderBytes, offset);
    if (!frame.subarray(8, 16).equals(salts)) break;
  }
  closeSync(file);
  // Frames of an older log behind those of this one: it was begun anew.
  return offset + frameBytes <= size ? null : offset - headerBytes;
}
