import { WorldError } from "@perdure/world";
import type { Driver } from "./driver/driver.ts";

/** Primary result codes of SQLite, https://www.sqlite.org/rescode.html. */
const BUSY = 5;
const LOCKED = 6;
const CORRUPT = 11;
const NOTADB = 26;

/** What is wrong with the file or the machine, not with the statement: the whole transaction is lost, a retry may succeed. */
const UNAVAILABLE: Readonly<Record<number, string>> = {
  3: "Check the permissions of the file and its folder.",
  5: "Another process holds the file locked: look for a backup tool or an open transaction in a SQLite shell.",
  6: "Another process holds the file locked: look for a backup tool or an open transaction in a SQLite shell.",
  7: "The process ran out of memory.",
  8: "The file or its folder is read-only.",
  10: "The disk reported an error; look at the system's log.",
  13: "The disk is full: free some space. Nothing was written, and work goes on as soon as there is room.",
  14: "Check that the folder exists and may be written.",
};

/** Whether another connection holds the lock: worth a retry. */
export function isBusy(driver: Driver, error: unknown): boolean {
  const code = driver.codeOf(error);
  return code === BUSY || code === LOCKED;
}

/** Whether SQLite found the file itself to be damaged, or no database. */
export function isCorrupt(driver: Driver, error: unknown): boolean {
  const code = driver.codeOf(error);
  return code === CORRUPT || code === NOTADB;
}

/** Turns failures of the file or the machine into WorldErrors; leaves other errors (of one statement, or not of SQLite) as they are. */
export function toWorldError(driver: Driver, path: string, error: unknown): unknown {
  if (WorldError.is(error)) return error;
  if (isCorrupt(driver, error)) return corrupt(path, error);
  const hint = UNAVAILABLE[driver.codeOf(error) ?? 0];
  if (hint === undefined) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return new WorldError("WORLD_UNAVAILABLE", `SQLite cannot use ${path} now (${reason}).`, { hint, cause: error });
}

/** The file is damaged, or not ours. */
export function corrupt(path: string, cause?: unknown): WorldError {
  const reason = cause instanceof Error ? cause.message : "it is not a Perdure store";
  return new WorldError("WORLD_CORRUPT", `${path} cannot be used: ${reason}.`, {
    hint: "The file was left as it is. Choose another path, or put a backup in its place.",
    ...(cause === undefined ? {} : { cause }),
  });
}

/** The file was written by a newer release. */
export function newer(path: string, version: number, known: number): WorldError {
  return new WorldError("WORLD_NEWER", `${path} has schema version ${version}; this release knows versions up to ${known}.`, {
    hint: "The file was left as it is. Install the release of @perdure/world-sqlite that wrote it, or a later one.",
  });
}
