import { createRequire } from "node:module";

/** The little of SQLite's bindings that a yardstick needs; both have it. */
export interface Sqlite {
  exec(sql: string): void;
  prepare(sql: string): { run(...params: (number | Uint8Array)[]): unknown; get(): unknown };
  close(): void;
}

/** Opens a file with the binding that `@perdure/world-sqlite` uses in this Node: `node:sqlite`, else `libsql`. */
export function openSqliteFile(path: string): { readonly connection: Sqlite; readonly driver: string } {
  const builtIn = process.getBuiltinModule("node:sqlite") as unknown as { DatabaseSync: new (path: string) => Sqlite } | undefined;
  if (builtIn) return { connection: new builtIn.DatabaseSync(path), driver: "node:sqlite" };
  // Found as the World finds it, whose dependency it is.
  const Database = createRequire(import.meta.resolve("@perdure/world-sqlite"))("libsql") as new (path: string) => Sqlite;
  return { connection: new Database(path), driver: "libsql" };
}

/** `SQLite 3.45.1 (libsql)` */
export function sqliteVersion(): string {
  const { connection, driver } = openSqliteFile(":memory:");
  const row = connection.prepare("SELECT sqlite_version() AS version").get() as { version: string };
  connection.close();
  return `SQLite ${row.version} (${driver})`;
}
