import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { startPostgres } from "../../../scripts/postgres.mjs";
import { examinePostgres, type Finding, migratePostgres } from "../src/migrate.ts";
import { COLUMNS, INDEXES } from "../src/doctor/check-schema.ts";
import { examinePostgresWith } from "../src/doctor/examine.ts";
import { expectedColumns, expectedIndexes } from "../src/doctor/expected-schema.ts";
import { nameId } from "../src/operations/names.ts";
import { createPostgresWorld } from "../src/postgres-world.ts";

// A server of its own: settings are changed. They are those that PostgreSQL comes with.
const server = await startPostgres({ settings: { max_prepared_transactions: 5 } });
const url = await server.createDatabase();
const admin = new pg.Client(url);
beforeAll(async () => {
  await admin.connect();
  admin.on("error", () => undefined);
});
afterAll(async () => {
  await admin.end().catch(() => undefined);
  await server.stop({ how: "immediate" });
});

let schema = "";
let count = 0;
beforeEach(async () => {
  schema = `doctor_${++count}`;
  await migratePostgres({ url, schema });
});

const examine = (): Promise<Finding[]> => examinePostgres({ url, schema });
const codes = async (): Promise<string[]> => (await examine()).map(({ code, message }) => `${code}: ${message}`);
const minute = { timeout: 60_000 };
const id = (n: number): string => `01890000-0000-7000-8000-${String(n).padStart(12, "0")}`;

/** A row as a run would have it. */
async function run(n: number, columns: Readonly<Record<string, unknown>> = {}): Promise<void> {
  const row = {
    id: id(n),
    due_at: null,
    created_at: Date.now(),
    fence: 1,
    workflow: nameId("shop#order"),
    version: nameId("v"),
    input: Buffer.alloc(0),
    ...columns,
  };
  const names = Object.keys(row);
  await admin.query(`INSERT INTO ${schema}.names (id, name) VALUES ($1, $2)`, [row.workflow, "shop#order"]);
  await admin.query(
    `INSERT INTO ${schema}.runs (${names.join(", ")}) VALUES (${names.map((_, index) => `$${index + 1}`).join(", ")})`,
    Object.values(row),
  );
}

test("a database that a World made and uses is fine", minute, async () => {
  const world = createPostgresWorld({ url, schema });
  await world.setup();
  const input = new Uint8Array();
  await world.heartbeat("w", 60_000);
  await world.createRuns([{ id: id(1), key: null, workflowId: "shop#order", version: "v", input, dueAt: null }]);
  await world.claim({ worker: "w", limit: 1, leaseMs: 60_000 });
  await world.deliver([{ id: "m", to: { runId: id(1) }, kind: "note", payload: input }]);
  expect(await examine()).toEqual([]);
  await world.close();
});

test("what is expected of the tables is what the migrations make", minute, async () => {
  const columns = await admin.query<{ column: string }>(COLUMNS, [schema]);
  const indexes = await admin.query<{ index: string }>(INDEXES, [schema]);
  expect(columns.rows.map(({ column }) => column)).toEqual(expectedColumns);
  expect(indexes.rows.map(({ index }) => index)).toEqual(expectedIndexes);
});

test("SCHEMA_MISSING, SCHEMA_OLD and SCHEMA_NEWER", minute, async () => {
  expect(await examinePostgres({ url, schema: "nowhere" })).toMatchObject([{ code: "SCHEMA_MISSING", severity: "problem" }]);
  await admin.query(`INSERT INTO ${schema}.versions (version) VALUES (9999)`);
  expect(await codes()).toEqual([expect.stringMatching(/^SCHEMA_NEWER: .* has version 9999/)]);
  await admin.query(`DELETE FROM ${schema}.versions WHERE version > 1`);
  expect(await codes()).toEqual([expect.stringMatching(/^SCHEMA_OLD: .* has version 1; this release needs \d+/)]);
});

test("SCHEMA_DIFFERS: a column that is missing, or of another type", minute, async () => {
  await admin.query(`ALTER TABLE ${schema}.runs DROP COLUMN note; ALTER TABLE ${schema}.code ALTER COLUMN bytes DROP NOT NULL`);
  expect(await codes()).toEqual([
    "SCHEMA_DIFFERS: The column code.bytes bytea should be code.bytes bytea NOT NULL.",
    "SCHEMA_DIFFERS: The column runs.note text is missing.",
  ]);
});

test("INDEX_MISSING: an index that is missing, or invalid", minute, async () => {
  await admin.query(`DROP INDEX ${schema}.runs_free`);
  await admin.query(`UPDATE pg_index SET indisvalid = false WHERE indexrelid = '${schema}.runs_key'::regclass`);
  expect(await codes()).toEqual([
    "INDEX_MISSING: The index runs_free of runs is missing.",
    "INDEX_MISSING: The unique index runs_key of runs is invalid: its creation did not end.",
  ]);
});

test("PRIVILEGES_MISSING: what the role may not do", minute, async () => {
  await admin.query(`DROP ROLE IF EXISTS app; CREATE ROLE app LOGIN PASSWORD 'secret'; GRANT USAGE ON SCHEMA ${schema} TO app`);
  await admin.query(`GRANT ALL ON ALL TABLES IN SCHEMA ${schema} TO app; REVOKE UPDATE, DELETE ON ${schema}.workers FROM app`);
  const appUrl = new URL(url);
  [appUrl.username, appUrl.password] = ["app", "secret"];
  expect(await examinePostgres({ url: appUrl.href, schema })).toMatchObject([
    { code: "PRIVILEGES_MISSING", message: 'The role "app" lacks UPDATE on workers, DELETE on workers.' },
  ]);
  await admin.query(`DROP OWNED BY app; DROP ROLE app`);
});

test("RUNS_OVERDUE: due for more than a minute, and nobody claims them", minute, async () => {
  await run(1, { due_at: Date.now() - 300_000 });
  await run(2, { due_at: Date.now() - 200_000 });
  await run(3, { due_at: Date.now() });
  expect(await codes()).toEqual([
    `RUNS_OVERDUE: 2 runs due for more than a minute and not claimed, the first one for 5 min, such as ${id(1)} of shop#order.`,
  ]);
});

test("WORKERS_DEAD: due runs of workers whose lease has been over for long", minute, async () => {
  await admin.query(`INSERT INTO ${schema}.workers VALUES (7, 'gone', $1), (8, 'alive', $2)`, [Date.now() - 600_000, Date.now() + 60_000]);
  const due_at = Date.now() - 200_000;
  await run(1, { owner: 7, due_at });
  await run(2, { owner: 8, due_at });
  await run(3, { owner: 9, due_at });
  // These sleep, or wait for a message, and lack nobody.
  await run(4, { owner: 7, due_at: Date.now() + 600_000 });
  await run(5, { owner: 7 });
  expect(await codes()).toEqual([
    `WORKERS_DEAD: The worker gone, whose lease has been over for 10 min, still owns 1 run due for more than a minute, such as ${id(1)} of shop#order.`,
    `WORKERS_DEAD: A worker that is not known any more still owns 1 run due for more than a minute, such as ${id(3)} of shop#order.`,
  ]);
});

test("RUNS_CRASHING: open runs that lost their worker often", minute, async () => {
  await run(1, { crashes: 4 });
  await run(2, { crashes: 9, status: 2 });
  expect(await codes()).toEqual([
    `RUNS_CRASHING: 1 run lost their worker 3 times or more without getting on, such as ${id(1)} of shop#order (4 times).`,
  ]);
});

test("MESSAGES_UNDELIVERABLE: to runs that are over or not there, and those that nobody looks for", minute, async () => {
  await run(1, { status: 1 });
  await run(2, { mail: 0 });
  await run(3, { mail: 1, due_at: Date.now() });
  for (const n of [1, 2, 3, 4]) {
    await admin.query(`INSERT INTO ${schema}.messages (run_id, message, kind, payload) VALUES ($1, 'm', 'k', '')`, [id(n)]);
  }
  expect(await codes()).toEqual([
    expect.stringMatching(/^MESSAGES_UNDELIVERABLE: 2 unconsumed, to runs that are over or not there, such as "m" to 01890000-/),
    `MESSAGES_UNDELIVERABLE: 1 run with messages that nobody looks for, such as ${id(2)} of shop#order.`,
  ]);
});

test("TABLE_BLOATED: more dead rows than live ones", { timeout: 120_000 }, async () => {
  await admin.query(`ALTER TABLE ${schema}.code SET (autovacuum_enabled = false)`);
  await admin.query(`INSERT INTO ${schema}.code SELECT g::text, '', 0 FROM generate_series(1, 150000) g`);
  await admin.query(`DELETE FROM ${schema}.code WHERE hash::int > 10`);
  const found = () => examine().then((findings) => findings.find(({ code }) => code === "TABLE_BLOATED"));
  // The server's counters follow a little later.
  while (!(await found())) await new Promise((resolve) => setTimeout(resolve, 100));
  expect(await found()).toMatchObject({
    severity: "warning",
    message: expect.stringMatching(/^code has about 1499\d\d dead rows beside 1\d live ones; it was never vacuumed\.$/),
  });
  await admin.query(`VACUUM ${schema}.code`);
});

test("VACUUM_HELD_BACK: a transaction that is open for long, a prepared one that was forgotten", minute, async () => {
  const other = new pg.Client({ connectionString: url, application_name: "report" });
  await other.connect();
  await other.query("BEGIN; SELECT 1");
  await admin.query("BEGIN; CREATE TABLE IF NOT EXISTS held (); PREPARE TRANSACTION 'forgotten'");
  await vi.waitFor(async () => {
    const findings = await examinePostgresWith({ url, schema }, { longTransactionS: 0 });
    expect(findings.map(({ code, message }) => `${code}: ${message}`)).toEqual([
      expect.stringMatching(/^VACUUM_HELD_BACK: A transaction is open for \d+ s \(pid \d+, idle in transaction, application "report"\)\.$/),
      'VACUUM_HELD_BACK: The prepared transaction "forgotten" was neither committed nor rolled back.',
    ]);
  });
  await other.query("ROLLBACK");
  await other.end();
  await admin.query("ROLLBACK PREPARED 'forgotten'");
});

test("CLOCK_SKEW: the clocks of the host and the database differ", minute, async () => {
  const now = Date.now.bind(Date);
  const clock = vi.spyOn(Date, "now").mockImplementation(() => now() - 90_000);
  const findings = await examine().finally(() => clock.mockRestore());
  expect(findings).toMatchObject([
    { code: "CLOCK_SKEW", severity: "warning", message: expect.stringMatching(/is (89|90)\.\d s ahead of/) },
  ]);
});

test("COMMITS_NOT_DURABLE, AUTOVACUUM_OFF and STANDBY_MISSING: settings of the server", minute, async () => {
  const settled = async (settings: Readonly<Record<string, string | null>>, expected: readonly unknown[]) => {
    await server.reload(settings);
    await vi.waitFor(async () => expect(await codes()).toEqual(expected), 20_000);
  };
  await settled({ synchronous_commit: "off", autovacuum: "off" }, [
    "AUTOVACUUM_OFF: autovacuum is off.",
    "COMMITS_NOT_DURABLE: synchronous_commit is off.",
  ]);
  await settled({ synchronous_commit: null, autovacuum: null, synchronous_standby_names: "other" }, [
    'STANDBY_MISSING: Commits wait for a standby (synchronous_standby_names is "other"), and none is connected.',
  ]);
  await settled({ synchronous_standby_names: null }, []);
});

test("CHECK_SKIPPED: what takes too long is left out, and the rest is looked at", minute, async () => {
  const other = new pg.Client(url);
  await other.connect();
  await other.query(`BEGIN; LOCK TABLE ${schema}.messages IN ACCESS EXCLUSIVE MODE`);
  const findings = await examinePostgresWith({ url, schema }, { statementMs: 300 });
  expect(findings).toMatchObject([
    { code: "CHECK_SKIPPED", severity: "warning", message: expect.stringContaining("Not all of runs was looked at") },
  ]);
  await other.query("ROLLBACK");
  await other.end();
});

test("NOT_PRIMARY: the server is a standby", { timeout: 120_000 }, async () => {
  await server.stop({ keepData: true });
  const signal = join(server.folder, "data/standby.signal");
  writeFileSync(signal, "");
  chmodSync(signal, 0o666);
  await server.start();
  expect(await examine()).toMatchObject([{ code: "NOT_PRIMARY", severity: "problem", message: "This server is a standby." }]);
});
