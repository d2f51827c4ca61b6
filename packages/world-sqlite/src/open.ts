/**
 * Opens a store: recognises the file, creates or migrates it, and sets what each connection needs.
 *
 * A file is ours when its header carries our application id. Everything else that is not empty is refused, and refused before SQLite
 * could touch it: the header is read through an immutable connection, which takes no lock, replays no journal and writes nothing.
 * (Never by opening the file outside of SQLite: closing any descriptor of a file drops the locks that this process holds on it.)
 */

import { accessSync, constants, mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { pathToFileURL } from "node:url";
import { WorldError } from "@perdure/world";
import type { Connection, Driver } from "./driver/driver.ts";
import { corrupt, isCorrupt, newer, toWorldError } from "./failure.ts";
import { migrations } from "./migrations/index.ts";
import { retryBusy } from "./retry.ts";

/** "PRDR" */
const APPLICATION_ID = 0x50524452;

/**
 * Opens the store at a path and brings it to the newest version; creates folder and file when they are missing.
 * Safe when several processes do so at once. @throws WORLD_CORRUPT, WORLD_NEWER, WORLD_UNAVAILABLE
 */
export async function openStore(driver: Driver, path: string, patienceMs: number): Promise<Connection> {
  try {
    mkdirSync(dirname(path), { recursive: true });
  } catch (cause) {
    throw new WorldError("WORLD_UNAVAILABLE", `The folder ${dirname(path)} cannot be made.`, { hint: "Check its permissions.", cause });
  }
  let connection: Connection | null = null;
  try {
    await retryBusy(driver, patienceMs, () => recognise(driver, path));
    const opened = (connection = driver.open(path));
    const migrated = await retryBusy(driver, patienceMs, () => migrate(opened, path));
    await retryBusy(driver, patienceMs, () => configure(opened, path, migrated));
    checkWritable(path);
    return opened;
  } catch (error) {
    connection?.close();
    throw toWorldError(driver, path, error);
  }
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

function recognise(driver: Driver, path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) {
    throw new WorldError("WORLD_UNAVAILABLE", `${path} is a folder.`, { hint: "Pass the path of a file." });
  }
  if (sizeOf(path) === 0) return;
  // Damaged while a journal or log lies beside it: the rest of the file may be there, which only a real opening can tell.
  const unfinished = sizeOf(`${path}-wal`) > 0 || sizeOf(`${path}-journal`) > 0;
  let connection: Connection | null = null;
  try {
    connection = driver.open(`${pathToFileURL(path).href}?immutable=1&mode=ro`);
    verdict(connection, path);
  } catch (error) {
    if (!(unfinished && isCorrupt(driver, error))) throw error;
  } finally {
    connection?.close();
  }
}

/** The file's version; 0 when it is empty. @throws WORLD_CORRUPT, WORLD_NEWER */
function verdict(connection: Connection, path: string): number {
  const application = pragma(connection, "application_id");
  if (application !== APPLICATION_ID) {
    const tables = Number(connection.prepare("SELECT count(*) FROM sqlite_schema").get([])![0]);
    if (application !== 0 || tables > 0) throw corrupt(path);
    return 0;
  }
  const version = Number(pragma(connection, "user_version"));
  if (version > migrations.length) throw newer(path, version, migrations.length);
  return version;
}

/** Applies the missing migrations in one transaction; returns whether there were any. */
function migrate(connection: Connection, path: string): boolean {
  if (verdict(connection, path) === migrations.length) return false;
  connection.exec("BEGIN IMMEDIATE");
  try {
    // Again, now that nobody else can be at it.
    const version = verdict(connection, path);
    for (const migration of migrations.slice(version)) connection.exec(migration);
    connection.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${migrations.length}; COMMIT`);
    return version < migrations.length;
  } catch (error) {
    rollback(connection);
    throw error;
  }
}

function configure(connection: Connection, path: string, migrated: boolean): void {
  // The log is what lets readers go on beside a writer; FULL is what makes an acknowledged commit survive a power cut.
  if (pragma(connection, "journal_mode") !== "wal") connection.exec("PRAGMA journal_mode = WAL");
  connection.exec(`
    PRAGMA synchronous = FULL;
    PRAGMA wal_autocheckpoint = 10000; -- 40 MB; at the default of 1,000 grouped inserts lose a tenth and their p99 is four times higher
    PRAGMA journal_size_limit = 67108864;
    PRAGMA cache_size = -32768;
    PRAGMA temp_store = MEMORY;
    PRAGMA busy_timeout = 0; -- waiting is done without blocking the event loop, see retry.ts
  `);
  const [mode, synchronous] = [pragma(connection, "journal_mode"), pragma(connection, "synchronous")];
  if (mode !== "wal" || synchronous !== 2) {
    throw new WorldError("WORLD_UNAVAILABLE", `${path} cannot be made durable (journal_mode ${mode}, synchronous ${synchronous}).`, {
      hint: "Put the file on a local file system: SQLite's write-ahead log needs shared memory and real locks.",
    });
  }
  // So that the header in the file itself tells the new version, and older releases refuse it without opening it.
  if (migrated) connection.prepare("PRAGMA wal_checkpoint(TRUNCATE)").all([]);
}

/** SQLite opens a file that may only be read without a word, and says so at the first write. */
function checkWritable(path: string): void {
  try {
    accessSync(path, constants.W_OK);
  } catch (cause) {
    throw new WorldError("WORLD_UNAVAILABLE", `${path} may only be read.`, {
      hint: "Check the permissions of the file and its folder.",
      cause,
    });
  }
}

function pragma(connection: Connection, name: string): number | string {
  return connection.prepare(`PRAGMA ${name}`).get([])![0] as number | string;
}

/** Ends a transaction that failed; SQLite may have ended it already (disk full, I/O error). */
export function rollback(connection: Connection): void {
  try {
    connection.exec("ROLLBACK");
  } catch {
    // No transaction was active.
  }
}
