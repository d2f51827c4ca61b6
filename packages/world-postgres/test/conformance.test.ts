import pg from "pg";
import { test } from "vitest";
import { testWorld } from "@perdure/world/conformance";
import { testPostgres } from "../../../scripts/test-servers.mjs";
import { createPostgresWorldOn } from "../src/postgres-world.ts";

const url = await testPostgres();
let count = 0;

testWorld({
  test,
  supports: { processes: true, durable: true },
  async create() {
    const schema = `conformance_${process.pid}_${++count}`;
    const admin = new pg.Client(url);
    await admin.connect();
    await admin.query(
      `CREATE SCHEMA "${schema}"; CREATE TABLE "${schema}".test_clock (ms int8); INSERT INTO "${schema}".test_clock VALUES (${Date.now()})`,
    );
    const clock = `SELECT ms FROM "${schema}".test_clock`;
    return {
      open: async () => createPostgresWorldOn({ url, schema, connections: 4 }, { clock: `(${clock})` }),
      advance: async (ms) => void (await admin.query(`UPDATE "${schema}".test_clock SET ms = ms + $1`, [Math.ceil(ms)])),
      async cleanup() {
        await admin.query(`DROP SCHEMA "${schema}" CASCADE`);
        await admin.end();
      },
    };
  },
});
