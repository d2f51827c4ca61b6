// The whole conformance suite by a role that has what `migrationSql` grants and nothing else.
import { randomBytes } from "node:crypto";
import pg from "pg";
import { afterAll, test } from "vitest";
import { testWorld } from "@perdure/world/conformance";
import { testPostgres } from "../../../scripts/test-servers.mjs";
import { migratePostgres, migrationSql } from "../src/migrate.ts";
import { createPostgresWorldOn } from "../src/postgres-world.ts";

const url = await testPostgres();
const role = `app_${randomBytes(6).toString("hex")}`;
const roleUrl = new URL(url);
roleUrl.username = role;
roleUrl.password = "secret";
const admin = new pg.Client(url);
await admin.connect();
await admin.query(`CREATE ROLE ${role} LOGIN PASSWORD 'secret'`);
afterAll(async () => {
  await admin.query(`DROP OWNED BY ${role}`);
  await admin.query(`DROP ROLE ${role}`);
  await admin.end();
});
let count = 0;

testWorld({
  test,
  supports: { processes: true, durable: true },
  async create() {
    const schema = `granted_${++count}`;
    await migratePostgres({ url, schema });
    const grants = (await migrationSql({ url, schema, role })).split("\n").filter((line) => line.startsWith("GRANT"));
    await admin.query(grants.join("\n"));
    await admin.query(`CREATE TABLE "${schema}".test_clock (ms int8); INSERT INTO "${schema}".test_clock VALUES (${Date.now()})`);
    await admin.query(`GRANT SELECT ON "${schema}".test_clock TO ${role}`);
    const clock = `(SELECT ms FROM "${schema}".test_clock)`;
    return {
      open: async () => createPostgresWorldOn({ url: roleUrl.href, schema, connections: 4, migrate: false }, { clock }),
      advance: async (ms) => void (await admin.query(`UPDATE "${schema}".test_clock SET ms = ms + $1`, [Math.ceil(ms)])),
      cleanup: async () => void (await admin.query(`DROP SCHEMA "${schema}" CASCADE`)),
    };
  },
});
