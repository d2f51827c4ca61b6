import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { QueryRunsRequest } from "@perdure/world";
import { testWorld } from "@perdure/world/conformance";
import { createSqliteWorld } from "@perdure/world-sqlite";
import { loadDriver } from "../src/driver/load.ts";
import { createDatabase } from "../src/database.ts";
import type { Connection } from "../src/driver/driver.ts";
import { openStore } from "../src/open.ts";
import { rarestFirst } from "../src/operations/attributes.ts";
import { newRun, openWorld, runId, temporaryFolder } from "./store.ts";

const driver = loadDriver();

/** All SQL that Worlds prepare which are opened while the work is done. */
async function statementsOf(work: () => Promise<void>): Promise<Set<string>> {
  const statements = new Set<string>();
  const open = driver.open;
  driver.open = (location) => {
    const connection = open(location);
    const prepare = connection.prepare.bind(connection);
    connection.prepare = (sql) => (statements.add(sql), prepare(sql));
    return connection;
  };
  try {
    await work();
  } finally {
    driver.open = open;
  }
  return statements;
}

function planOf(connection: Connection, sql: string): string[] {
  return connection
    .prepare(`EXPLAIN QUERY PLAN ${sql}`)
    .all([])
    .map((row) => String(row[3]));
}

/** All SQL that the World prepares while the conformance suite runs through it. */
function allStatements(): Promise<Set<string>> {
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
  return statementsOf(async () => {
    for (const run of cases) await run();
  });
}

test(
  "every statement finds its rows by a key: none reads a whole table, but for the few rows of the workers",
  { timeout: 240_000 },
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
      const bad = planOf(connection, sql).filter((line) => /^SCAN (?!CONSTANT ROW|workers$)/.test(line));
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
  const plan = (sql: string): string => planOf(connection, sql).join("; ");
  const { FREE_DUE, OWNED_DUE, FREE_NEXT, OWNED_NEXT } = await import("../src/operations/claim.ts");
  expect(plan(FREE_DUE)).toMatchInlineSnapshot(`"SEARCH runs USING INDEX runs_free (due_at>? AND due_at<?)"`);
  expect(plan(OWNED_DUE)).toMatchInlineSnapshot(`"SEARCH runs USING COVERING INDEX runs_owned (owner=? AND due_at<?)"`);
  expect(plan(FREE_NEXT)).toMatchInlineSnapshot(`"SEARCH runs USING INDEX runs_free (due_at>?)"`);
  expect(plan(OWNED_NEXT)).toMatchInlineSnapshot(`"SEARCH runs USING COVERING INDEX runs_owned (owner=? AND due_at>?)"`);
  connection.close();
});

test("a search for runs begins in the index of what narrows it most, and never sorts", async () => {
  const path = join(temporaryFolder(), "store.db");
  const connection = await openStore(driver, path, 1000);
  const searches: [QueryRunsRequest, string][] = [
    [{}, "SEARCH r USING INTEGER PRIMARY KEY (rowid<?)"],
    [{ status: "running" }, "SEARCH r USING INDEX runs_status (status=? AND rowid<?)"],
    [{ workflowId: "app#flow" }, "SEARCH r USING INDEX runs_workflow (workflow=? AND rowid<?)"],
    [{ workflowId: "app#flow", status: "running" }, "SEARCH r USING INDEX runs_workflow (workflow=? AND rowid<?)"],
    [{ attributes: { plan: "pro" } }, "SEARCH a USING COVERING INDEX attributes_value (name=? AND value=? AND run<?)"],
    [{ attributes: { plan: "pro", seats: 3 } }, "SEARCH a USING COVERING INDEX attributes_value (name=? AND value=? AND run<?)"],
    [
      { attributes: { plan: "pro" }, workflowId: "app#flow", status: "running" },
      "SEARCH a USING COVERING INDEX attributes_value (name=? AND value=? AND run<?)",
    ],
    [{ parent: runId(1) }, "SEARCH r USING INDEX runs_parent (parent=? AND rowid<?)"],
    [
      { parent: runId(1), attributes: { plan: "pro" }, workflowId: "app#flow", status: "running" },
      "SEARCH r USING INDEX runs_parent (parent=? AND rowid<?)",
    ],
  ];
  for (const [request, begin] of searches) {
    const statements = await statementsOf(async () => {
      const world = await openWorld(path);
      await world.createRuns([newRun(1, { attributes: { plan: "pro", seats: 3 } })]);
      await world.query.runs(request);
    });
    const sql = [...statements].filter((one) => one.includes("LIMIT ?2"));
    expect(sql).toHaveLength(1);
    const plan = planOf(connection, sql[0]!);
    expect([request, plan[0]]).toEqual([request, begin]);
    expect(plan.filter((line) => /^SCAN|TEMP B-TREE/.test(line))).toEqual([]);
  }
  connection.close();
});

test("a search by several attributes begins at the one that the fewest runs have", async () => {
  const path = join(temporaryFolder(), "store.db");
  const world = await openWorld(path);
  const attributes = (n: number) => ({ plan: "pro", half: n % 2, user: `u${n}` });
  await world.createRuns(Array.from({ length: 1500 }, (_, n) => newRun(n, { attributes: attributes(n) })));
  const database = createDatabase(driver, await openStore(driver, path, 1000), path, 1000);
  const order = await database.read((transaction) => rarestFirst(transaction, attributes(7)));
  expect(order).toEqual([
    ["user", '"u7"'],
    ["half", "1"],
    ["plan", '"pro"'],
  ]);
  database.close();
  expect((await world.query.runs({ attributes: attributes(7) })).runs).toMatchObject([{ id: runId(7) }]);
});
