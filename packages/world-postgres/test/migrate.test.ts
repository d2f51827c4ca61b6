import pg from "pg";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { hasTestPostgres, testPostgres } from "../../../scripts/test-servers.mjs";
import { createSql } from "../src/database/sql.ts";
import { migratePostgres, migrationSql } from "../src/migrate.ts";
import { migrations } from "../src/migrations/index.ts";
import { nameId } from "../src/operations/names.ts";
import { createPostgresWorld } from "../src/postgres-world.ts";

const url = await testPostgres();
const admin = new pg.Client(url);
beforeAll(() => admin.connect());
afterAll(() => admin.end());

test("migrating says from which version to which, and does nothing the second time", async () => {
  const { from, to } = await migratePostgres({ url, schema: "one" });
  expect(from).toBe(0);
  expect(to).toBeGreaterThan(0);
  expect(await migratePostgres({ url, schema: "one" })).toEqual({ from: to, to });
  const world = createPostgresWorld({ url, schema: "one", migrate: false });
  await world.setup();
  await world.close();
});

test("the SQL for those who migrate by hand changes nothing until it is run", async () => {
  const sql = await migrationSql({ url, schema: "by hand" });
  await expect(createPostgresWorld({ url, schema: "by hand", migrate: false }).setup()).rejects.toMatchObject({
    code: "WORLD_UNAVAILABLE",
  });
  await admin.query(sql);
  const world = createPostgresWorld({ url, schema: "by hand", migrate: false });
  await world.setup();
  await world.close();
  expect(await migrationSql({ url, schema: "by hand" })).toMatch(
    /^-- The schema "by hand" has version \d+: there is nothing to migrate\.\n$/,
  );
});

test("a schema that is newer is refused, and a database that is not there", async () => {
  await migratePostgres({ url, schema: "newer" });
  await admin.query("INSERT INTO newer.versions (version) VALUES (9999)");
  for (const work of [migratePostgres, migrationSql]) {
    await expect(work({ url, schema: "newer" })).rejects.toMatchObject({ code: "WORLD_NEWER" });
    await expect(work({ url: url.replace(/\/[^/]*$/, "/nowhere") })).rejects.toMatchObject({ code: "WORLD_UNAVAILABLE" });
  }
});

/** A schema of an older version, as that release made it. */
async function oldSchema(client: pg.Client, schema: string, version: number): Promise<void> {
  const sql = createSql(schema);
  await client.query(`CREATE SCHEMA ${sql.schema}`);
  await client.query(sql.of("CREATE TABLE @versions (version int4 PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())").text);
  for (const migration of migrations.slice(0, version)) await client.query(sql.of(migration).text);
  await client.query(sql.of(`INSERT INTO @versions (version) SELECT generate_series(1, ${version})`).text);
}

describe.each([["18"], ["15"]])("on PostgreSQL %s", (version) => {
  test.runIf(hasTestPostgres({ version }))(
    "runs of version 4 keep their names and their order when 20 processes migrate at once",
    async () => {
      const own = await testPostgres({ version });
      const client = new pg.Client(own);
      await client.connect();
      onTestFinished(() => client.end());
      await oldSchema(client, "old", 4);
      const idOf = (n: number): string => `01890000-0000-7000-8000-${String(n).padStart(12, "0")}`;
      const workflows = ["shop#order", 'größer "than" \\ 🎈', "v1"];
      await client.query(
        `INSERT INTO old.runs (id, created_at, fence, status, ended_at, workflow, version, input)
       SELECT ('01890000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, n, 1, n % 4, CASE WHEN n % 4 > 0 THEN n END, ($1::text[])[n % 3 + 1], 'v' || n % 5, ''
       FROM generate_series(1, 100) n`,
        [workflows],
      );
      const from = await Promise.all(Array.from({ length: 20 }, () => migratePostgres({ url: own, schema: "old" })));
      expect(from.every(({ to }) => to === migrations.length)).toBe(true);

      const world = createPostgresWorld({ url: own, schema: "old", migrate: false });
      await world.setup();
      onTestFinished(() => world.close());
      await world.createRuns([
        { id: idOf(101), key: null, workflowId: workflows[101 % 3]!, version: "v1", input: new Uint8Array(), dueAt: null },
      ]);
      const all = Array.from({ length: 101 }, (_, index) => 101 - index);
      const listed: (readonly [string, string, string])[] = [];
      let cursor: string | null | undefined;
      while (cursor !== null) {
        const page: Awaited<ReturnType<typeof world.query.runs>> = await world.query.runs({
          limit: 30,
          ...(cursor !== undefined && { cursor }),
        });
        for (const { id, workflowId, version } of page.runs) listed.push([id, workflowId, version]);
        cursor = page.cursor;
      }
      expect(listed).toEqual(all.map((n) => [idOf(n), workflows[n % 3], `v${n % 5}`]));
      const ofOne = await world.query.runs({ workflowId: workflows[1]!, limit: 200 });
      expect(ofOne.runs.map(({ id }) => id)).toEqual(all.filter((n) => n % 3 === 1).map(idOf));
      const failed = await world.query.runs({ status: "failed", limit: 200 });
      expect(failed.runs.map(({ id }) => id)).toEqual(all.filter((n) => n <= 100 && n % 4 === 2).map(idOf));

      const { rows } = await client.query<{ id: string; name: string }>("SELECT id::text, name FROM old.names ORDER BY name");
      expect(rows.map(({ id, name }) => [BigInt(id), name])).toEqual(rows.map(({ name }) => [nameId(name), name]));
      expect(new Set(rows.map(({ name }) => name))).toEqual(new Set([...workflows, "v0", "v1", "v2", "v3", "v4"]));
      expect(rows).toHaveLength(7);
    },
  );
});
