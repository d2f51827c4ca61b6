import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { testWorld } from "@perdure/world/conformance";
import { createSqliteWorld } from "@perdure/world-sqlite";
import { loadDriver } from "../src/driver/load.ts";
import { openWorld, temporaryFolder } from "./store.ts";

const driver = loadDriver();

/** All SQL that the World prepares while the conformance suite runs through it. */
async function allStatements(): Promise<Set<string>> {
  const statements = new Set<string>();
  const open = driver.open;
  driver.open = (location) => {
    const connection = open(location);
    const prepare = connection.prepare.bind(connection);
    connection.prepare = (sql) => (statements.add(sql), prepare(sql));
    return connection;
  };
  const cases: (() => Promise<void>)[] = [];
  testWorld({
    test: (_, run) => void cases.push(run),
    supports: { processes: true, durable: true },
    create() {
      let time = Date.now();
      const folder = mkdtempSync(join(tmpdir(), "perdure-"));
      return {
        open: async () => createSqliteWorld({ path: join(folder, "store.db"), now: () => time }),
        advance: (ms) => void (time += Math.ceil(ms)),
        cleanup: async () => rmSync(folder, { recursive: true }),
      };
    },
  });
  try {
    for (const run of cases) await run();
  } finally {
    driver.open = open;
  }
  return statements;
}

test(
  "every statement finds its rows by a key: none reads a whole table, but for the few rows of the workers",
  { timeout: 60_000 },
  async () => {
    const statements = [...(await allStatements())].filter(
      (sql) => /^\s*(SELECT|INSERT|UPDATE|DELETE)/.test(sql) && !sql.includes("sqlite_schema"),
    );
    expect(statements.length).toBeGreaterThan(40);
    const path = join(temporaryFolder(), "store.db");
    await openWorld(path);
    const connection = driver.open(path);
    const scans: string[] = [];
    for (const sql of statements) {
      const plan = connection
        .prepare(`EXPLAIN QUERY PLAN ${sql}`)
        .all([])
        .map((row) => String(row[3]));
      const bad = plan.filter((line) => /^SCAN (?!CONSTANT ROW|workers$)/.test(line));
      for (const line of bad) scans.push(`${line}: ${sql.trim()}`);
    }
    connection.close();
    expect(scans).toEqual([]);
  },
);

test("a claim looks at due open runs only, by the index that holds nothing else", async () => {
  const path = join(temporaryFolder(), "store.db");
  await openWorld(path);
  const connection = driver.open(path);
  const plan = (sql: string): string =>
    connection
      .prepare(`EXPLAIN QUERY PLAN ${sql}`)
      .all([])
      .map((row) => String(row[3]))
      .join("; ");
  const { FREE_DUE, OWNED_DUE, FREE_NEXT, OWNED_NEXT } = await import("../src/operations/claim.ts");
  expect(plan(FREE_DUE)).toMatchInlineSnapshot(`"SEARCH runs USING INDEX runs_free (due_at>? AND due_at<?)"`);
  expect(plan(OWNED_DUE)).toMatchInlineSnapshot(`"SEARCH runs USING COVERING INDEX runs_owned (owner=? AND due_at<?)"`);
  expect(plan(FREE_NEXT)).toMatchInlineSnapshot(`"SEARCH runs USING INDEX runs_free (due_at>?)"`);
  expect(plan(OWNED_NEXT)).toMatchInlineSnapshot(`"SEARCH runs USING COVERING INDEX runs_owned (owner=? AND due_at>?)"`);
  connection.close();
});
