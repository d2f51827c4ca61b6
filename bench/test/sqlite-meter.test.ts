import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, test } from "vitest";

import { growthOf } from "../src/worlds/meter.ts";
import { openSqliteFile } from "../src/worlds/sqlite-driver.ts";
import { createSqliteMeter } from "../src/worlds/sqlite-meter.ts";

test("the meter of SQLite counts rows, statements, transactions that wrote, and their bytes", async () => {
  const folder = mkdtempSync(join(tmpdir(), "perdure-meter-"));
  const path = join(folder, "world.db");
  const meter = createSqliteMeter(path);
  const { connection } = openSqliteFile(path);
  connection.prepare("PRAGMA journal_mode = WAL").get();
  connection.exec("CREATE TABLE t (a INTEGER NOT NULL, b BLOB)");
  const insert = connection.prepare("INSERT INTO t VALUES (?, ?)");
  const update = connection.prepare("UPDATE t SET a = a + 1");
  const before = await meter.read();

  connection.exec("BEGIN IMMEDIATE");
  insert.run(1, Buffer.alloc(9000));
  insert.run(2, Buffer.alloc(9000));
  update.run();
  connection.exec("COMMIT");
  connection.exec("BEGIN IMMEDIATE");
  connection.exec("COMMIT");
  const growth = growthOf(before, await meter.read(), {});
  expect(growth).toMatchObject({ rows: 4, commits: 1 });
  // Seven, and what emptied the log before.
  expect(growth.statements).toBe(7 + 1);
  expect(growth.walBytes).toBeGreaterThan(18_000);
  expect(growth.walBytes).toBeLessThan(60_000);
  connection.close();
  rmSync(folder, { recursive: true, force: true });
});
