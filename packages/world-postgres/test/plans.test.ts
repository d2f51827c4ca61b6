import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { testWorld } from "@perdure/world/conformance";
import { testPostgres } from "../../../scripts/test-servers.mjs";
import { createSql } from "../src/database/sql.ts";
import { migratePostgres } from "../src/migrate.ts";
import { PRUNE } from "../src/operations/prune.ts";
import { fill } from "./support/fill.ts";
import { createStores, type Stores } from "./support/stores.ts";

const schema = "plans";
const url = await testPostgres();
const admin = new pg.Client(url);

/** The statements that Worlds send while the conformance suite runs through them, each with the values of one use. */
const statements = new Map<string, readonly unknown[]>();

/** What the plans read too much of that were made with a few rows. */
let whenSmall: Record<string, string[]>;

async function recordStatements(): Promise<void> {
  const stores = createStores(url, { notify: false });
  const query = pg.Client.prototype.query as (this: pg.Client, ...args: unknown[]) => unknown;
  pg.Client.prototype.query = function (this: pg.Client, ...args: unknown[]) {
    const [config] = args as [{ text?: string; values?: readonly unknown[]; rowMode?: string }];
    if (config.rowMode === "array" && config.values !== undefined) {
      statements.set(config.text!.replaceAll(/"store \d+"/g, schema), config.values);
    }
    return query.apply(this, args);
  } as never;
  try {
    const cases = conformanceCases(stores);
    const some = async (): Promise<void> => {
      for (let one = cases.pop(); one !== undefined; one = cases.pop()) await one();
    };
    await Promise.all(Array.from({ length: 8 }, some));
  } finally {
    pg.Client.prototype.query = query as never;
    await stores.close();
  }
}

function conformanceCases(stores: Stores): (() => Promise<void>)[] {
  const cases: (() => Promise<void>)[] = [];
  testWorld({
    test: (_, run) => void cases.push(run),
    supports: { processes: true, durable: true },
    create: () => stores.create(),
  });
  return cases;
}

beforeAll(async () => {
  await admin.connect();
  await migratePostgres({ url, schema });
  await admin.query(`CREATE TABLE ${schema}.test_clock AS SELECT 0::int8 AS ms`);
  await recordStatements();
  statements.set(createSql(schema).of(PRUNE).text, [1, 1000, 200]);
  whenSmall = await badPlans("force_generic_plan", "off");
  await fill(admin, schema);
}, 300_000);

afterAll(async () => admin.end());

/** A node of a plan, with what is below it. */
interface Plan {
  readonly "Node Type": string;
  readonly "Relation Name"?: string;
  readonly "Index Name"?: string;
  readonly "Index Cond"?: string;
  readonly Filter?: string;
  readonly Plans?: readonly Plan[];
}

/** Tables with a row per process or per release. */
const SMALL = new Set(["workers", "versions", "topology", "test_clock"]);

/** What reads more of a table than the statement asks for. A walk along an index that a LIMIT ends is none. */
function problems(plan: Plan, isLimited = false): string[] {
  const { "Node Type": type, "Relation Name": table = "", "Index Name": index, "Index Cond": condition } = plan;
  const own: string[] = [];
  const isWhole = type === "Seq Scan" || (/^(Index|Index Only|Bitmap Index) Scan/.test(type) && condition === undefined && !isLimited);
  const isById = /\b(id|run_id) = /;
  const isWalk = index !== undefined && isById.test(plan.Filter ?? "") && !isById.test(condition ?? "");
  if (isWalk) own.push(`walks ${index} for an id`);
  if (isWhole && !SMALL.has(table)) own.push(`reads all of ${index ?? table}`);
  const limits = type === "Limit" || (isLimited && /^(LockRows|Index|Nested Loop|Result|Subquery Scan)/.test(type));
  return [...own, ...(plan.Plans ?? []).flatMap((below) => problems(below, limits))];
}

/** What the plans of the statements read too much of. @param seqscan as in the World's own sessions, or as in those of a pool that it was given */
async function badPlans(mode: string, seqscan: "on" | "off"): Promise<Record<string, string[]>> {
  await admin.query(`ANALYZE; SET enable_seqscan = ${seqscan}`);
  const found: Record<string, string[]> = {};
  for (const [text, values] of statements) {
    const bad = problems(await planOf(text, values, mode));
    if (bad.length > 0) found[text] = bad;
  }
  return found;
}

async function planOf(text: string, values: readonly unknown[], mode: string): Promise<Plan> {
  await admin.query(`SET plan_cache_mode = ${mode}`);
  await admin.query(`PREPARE one AS ${text}`);
  try {
    const literals = values.map((value) => literal(value));
    const { rows } = await admin.query(
      `EXPLAIN (FORMAT JSON, COSTS OFF) EXECUTE one${literals.length > 0 ? `(${literals.join(", ")})` : ""}`,
    );
    return (rows[0] as { "QUERY PLAN": [{ Plan: Plan }] })["QUERY PLAN"][0].Plan;
  } finally {
    await admin.query("DEALLOCATE one");
  }
}

function literal(value: unknown): string {
  if (value === null || value === undefined) return "NULL";
  if (value instanceof Uint8Array) return `'\\x${Buffer.from(value).toString("hex")}'`;
  if (Array.isArray(value)) return admin.escapeLiteral(`{${value.map((one) => JSON.stringify(one)).join(",")}}`);
  return typeof value === "number" || typeof value === "boolean" ? String(value) : admin.escapeLiteral(String(value));
}

// That it reads a small index as a whole, once, is for as long as the statistics are old; to do so for each row would be the square of it.
test("a plan that was made when the tables were small walks over nothing for each row", () => {
  expect(statements.size).toBeGreaterThan(80);
  const walks = Object.entries(whenSmall).filter(([, problems]) => problems.some((problem) => problem.startsWith("walks")));
  expect(walks).toEqual([]);
});

test.each([
  ["force_generic_plan", "off"],
  ["force_generic_plan", "on"],
  ["force_custom_plan", "on"],
] as const)(
  "no statement reads more than it needs of 300,000 finished and 100,000 waiting runs (%s, sequential scans %s)",
  async (mode, seqscan) => {
    expect(await badPlans(mode, seqscan)).toEqual({});
  },
  120_000,
);

// An empty list implies the condition of any partial index, and one in which the statistics know of nothing costs least to read.
test("a statement with empty lists reads no partial index as a whole", async () => {
  const recorded = new Map(statements);
  for (const [text, values] of recorded)
    statements.set(
      text,
      values.map((value) => (Array.isArray(value) ? [] : value)),
    );
  await admin.query("BEGIN; UPDATE runs SET mail = 0 WHERE mail > 0");
  try {
    expect(await badPlans("force_custom_plan", "on")).toEqual({});
  } finally {
    await admin.query("ROLLBACK");
    for (const [text, values] of recorded) statements.set(text, values);
  }
});
