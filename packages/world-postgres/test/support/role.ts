// A role that has what `migrationSql` grants and nothing else: what applications should enter a database as.

import { randomBytes } from "node:crypto";
import { query } from "../../../../scripts/postgres.mjs";
import { migratePostgres, migrationSql } from "../../src/migrate.ts";
import type { Access } from "./stores.ts";

/** Makes such a role on the server that the databases are on. */
export async function createRole(urls: readonly string[]): Promise<Access & { drop(): Promise<void> }> {
  const role = `app_${randomBytes(6).toString("hex")}`;
  await query(urls[0]!, `CREATE ROLE ${role} LOGIN PASSWORD 'secret'`);
  return {
    options: { migrate: false },
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
    async drop() {
      for (const url of urls) await query(url, `DROP OWNED BY ${role}`);
      await query(urls[0]!, `DROP ROLE ${role}`);
    },
  };
}
