import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { loadDriver } from "../src/driver/load.ts";
import { temporaryFolder } from "./store.ts";

test("a connection binds and returns numbers, text and bytes unchanged, and empty bytes as bytes", () => {
  const connection = loadDriver().open(join(temporaryFolder(), "store.db"));
  connection.exec("CREATE TABLE t (n INTEGER, t TEXT, b BLOB) STRICT");
  const insert = connection.prepare("INSERT INTO t VALUES (?1, ?2, ?3)");
  const every = Uint8Array.from({ length: 256 }, (_, index) => index);
  const rows = [
    [Number.MAX_SAFE_INTEGER, "größer 🚀", every],
    [-1, "", new Uint8Array(0)],
    [0, "a", new TextEncoder().encode("")],
    [1_764_100_000_000, "b", every.subarray(3, 5)],
    [null, null, null],
  ];
  for (const row of rows) expect(insert.run(row)).toBe(1);
  const select = connection.prepare("SELECT n, t, b FROM t ORDER BY rowid");
  expect(select.all([])).toEqual(rows.map(([n, t, b]) => [n, t, b instanceof Uint8Array ? new Uint8Array(b) : b]));
  expect(select.get([])?.[2]).toEqual(every);
  expect(connection.prepare("SELECT 1 WHERE 0").get([])).toBeUndefined();
  connection.close();
});

test("errors carry SQLite's result codes", () => {
  const driver = loadDriver();
  const connection = driver.open(join(temporaryFolder(), "store.db"));
  connection.exec("CREATE TABLE t (n INTEGER PRIMARY KEY)");
  const codeOf = (work: () => unknown): number | null => {
    try {
      work();
    } catch (error) {
      return driver.codeOf(error);
    }
    return null;
  };
  const insert = connection.prepare("INSERT INTO t VALUES (1)");
  insert.run([]);
  expect(codeOf(() => insert.run([]))).toBe(19);
  expect(codeOf(() => connection.exec("no sql"))).toBe(1);
  expect(codeOf(() => driver.open(join(temporaryFolder(), "none", "store.db")))).toBe(14);
  expect(driver.codeOf(new Error("another"))).toBe(null);
  expect(driver.codeOf(undefined)).toBe(null);
  connection.close();
});

test("a query that met another connection's lock leaves no trace on its own", () => {
  const driver = loadDriver();
  const path = join(temporaryFolder(), "store.db");
  const [first, second] = [driver.open(path), driver.open(path)];
  first.exec("CREATE TABLE t (n INTEGER)");
  second.exec("PRAGMA busy_timeout = 0");
  first.exec("BEGIN EXCLUSIVE");
  for (const sql of ["SELECT n FROM t", "PRAGMA user_version"]) expect(() => second.prepare(sql).get([])).toThrow("locked");
  expect(() => second.exec("PRAGMA journal_mode = WAL")).toThrow("locked");
  first.exec("COMMIT");
  second.exec("PRAGMA journal_mode = WAL");
  second.exec("BEGIN IMMEDIATE");
  second.prepare("INSERT INTO t VALUES (?1)").run([1]);
  second.exec("COMMIT");
  expect(first.prepare("SELECT n FROM t").all([])).toEqual([[1]]);
  first.close();
  second.close();
});

test("without any SQLite the error says what to install", async () => {
  vi.resetModules();
  vi.doMock("../src/driver/node-sqlite.ts", () => ({ loadNodeSqlite: () => null }));
  vi.doMock("../src/driver/libsql.ts", () => ({ loadLibsql: () => null }));
  const { createSqliteWorld } = await import("../src/index.ts");
  const world = createSqliteWorld({ path: join(temporaryFolder(), "store.db") });
  await expect(world.setup()).rejects.toMatchObject({ code: "WORLD_UNAVAILABLE", hint: expect.stringContaining("npm install libsql") });
  vi.doUnmock("../src/driver/node-sqlite.ts");
  vi.doUnmock("../src/driver/libsql.ts");
});
