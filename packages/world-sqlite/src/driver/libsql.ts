import { createRequire } from "node:module";
import type { Connection, Driver, SqlValue, Statement } from "./driver.ts";

interface LibsqlStatement {
  raw(): LibsqlStatement;
  run(params: readonly SqlValue[]): { changes: number; lastInsertRowid: number };
  get(params: readonly SqlValue[]): SqlValue[] | undefined;
  all(params: readonly SqlValue[]): SqlValue[][];
}

interface LibsqlDatabase {
  exec(sql: string): void;
  prepare(sql: string): LibsqlStatement;
  close(): void;
}

/** The `libsql` package, or null when it is not installed. It prints nothing and needs no compiler. */
export function loadLibsql(): Driver | null {
  let Database: new (location: string) => LibsqlDatabase;
  try {
    Database = createRequire(import.meta.url)("libsql") as typeof Database;
  } catch {
    return null;
  }
  return {
    name: "libsql",
    open: (location) => connect(new Database(location)),
    codeOf,
  };
}

function codeOf(error: unknown): number | null {
  const { rawCode, message } = (error ?? {}) as { rawCode?: unknown; message?: unknown };
  if (typeof rawCode === "number") return rawCode & 0xff;
  // A failed open carries its code only in the text: ConnectionFailed("Unable to open … /path: 14").
  const failedOpen = /^ConnectionFailed\(.*: (\d+)"\)$/s.exec(String(message));
  return failedOpen === null ? null : Number(failedOpen[1]) & 0xff;
}

const BUSY = 5;

/**
 * A query that met another connection's lock stays begun in this package until it is executed again, and until then SQLite takes the connection to be in
 * the middle of something ("cannot change into wal mode from within a transaction", "cannot commit transaction - SQL statements in progress"). Each such
 * query is kept here and executed again before the connection's next `exec` (but for ROLLBACK, which ends it too); it only reads.
 */
type Unfinished = Set<() => void>;

/** @throws SQLITE_BUSY when the lock is still there */
function finish(unfinished: Unfinished): void {
  for (const again of unfinished) {
    again();
    unfinished.delete(again);
  }
}

/** The package closes a database only when its statements are collected too: a closed connection may hold the file for a while. */
function connect(database: LibsqlDatabase): Connection {
  const unfinished: Unfinished = new Set();
  return {
    exec(sql) {
      if (sql !== "ROLLBACK") finish(unfinished);
      database.exec(sql);
    },
    prepare: (sql) => prepare(database.prepare(sql), unfinished),
    close: () => database.close(),
  };
}

function prepare(statement: LibsqlStatement, unfinished: Unfinished): Statement {
  let raw: LibsqlStatement | null = null;
  // Raw mode also avoids that `all` gives ArrayBuffers where `get` gives Buffers.
  const reader = (): LibsqlStatement => (raw ??= statement.raw());
  const query = <T>(read: () => T): T => {
    try {
      return read();
    } catch (error) {
      if (codeOf(error) === BUSY) unfinished.add(read);
      throw error;
    }
  };
  return {
    run: (params) => statement.run(params).changes,
    insert: (params) => {
      const { changes, lastInsertRowid } = statement.run(params);
      return changes === 0 ? null : lastInsertRowid;
    },
    get: (params) => {
      const row = query(() => reader().get(params));
      return row === undefined ? undefined : plainBytes(row);
    },
    all: (params) => query(() => reader().all(params)).map(plainBytes),
  };
}

/** Buffers become Uint8Arrays on the same memory. */
function plainBytes(row: SqlValue[]): SqlValue[] {
  for (let index = 0; index < row.length; index++) {
    const value = row[index];
    if (value instanceof Uint8Array) row[index] = new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  }
  return row;
}
