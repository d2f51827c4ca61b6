// The conformance suite by a role that has what `migrationSql` grants and nothing else, on one server and on several.
import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, test } from "vitest";
import { testWorld } from "@perdure/world/conformance";
import { query } from "../../../scripts/postgres.mjs";
import { testPostgres } from "../../../scripts/test-servers.mjs";
import { migratePostgres, migrationSql } from "../src/migrate.ts";
import { type Access, createShardedStores, createStores, type Stores } from "./support/stores.ts";

const role = `app_${randomBytes(6).toString("hex")}`;
const alone = await testPostgres();
const urls = { a: await testPostgres(), b: await testPostgres(), c: await testPostgres() };

const access: Access = {
  urlOf(url) {
    const own = new URL(url);
    [own.username, own.password] = [role, "secret"];
    return own.href;
  },
  async prepare(url, schema) {
    await migratePostgres({ url, schema });
    const grants = (await migrationSql({ url, schema, role })).split("\n").filter((line) => line.startsWith("GRANT"));
    await query(url, [...grants, `GRANT SELECT ON "${schema}".test_clock TO ${role}`]);
  },
};

await query(urls.a, `CREATE ROLE ${role} LOGIN PASSWORD 'secret'`);
afterAll(async () => {
  for (const url of [alone, ...Object.values(urls)]) await query(url, `DROP OWNED BY ${role}`);
  await query(urls.a, `DROP ROLE ${role}`);
});

/** What runs on several servers mean to each other goes through tables that a single server does not use. */
const betweenRuns = /^(awaits|children|hooks|keys|messages|outbox|successors)\b/;

describe.each([
  ["one server", () => createStores(alone, { migrate: false }, undefined, access), /./],
  ["three servers", () => createShardedStores(urls, { migrate: false }, access), betweenRuns],
] as const)("%s", (_, createAll, wanted) => {
  let stores: Stores;
  beforeAll(() => {
    stores = createAll();
  });
  afterAll(() => stores.close());
  testWorld({
    test(title, run) {
      if (wanted.test(title)) test.concurrent(title, run);
    },
    supports: { processes: true, durable: true },
    create: () => stores.create(),
  });
});
