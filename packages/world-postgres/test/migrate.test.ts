import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { testPostgres } from "../../../scripts/test-servers.mjs";
import { migratePostgres, migrationSql } from "../src/migrate.ts";
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
