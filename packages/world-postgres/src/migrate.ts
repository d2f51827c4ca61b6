/** For operators: bringing a schema to the newest version, and finding out what is wrong with a database. */
import { explain } from "./database/failure.ts";
import { createSource } from "./database/source.ts";
import { createSql } from "./database/sql.ts";
import { migrate, migrationScript, newestVersion, versionOf } from "./migrations/migrate.ts";
import { grants } from "./migrations/privileges.ts";

export type { FindingCode } from "./doctor/catalogue.ts";
export type { Finding } from "./doctor/examination.ts";
export { examinePostgres, type ExamineOptions } from "./doctor/examine.ts";

export interface MigrateOptions {
  readonly url: string;
  /** Default `perdure`. */
  readonly schema?: string;
}

/** The versions of a schema before and after; 0 when it was not there. */
export interface Migrated {
  readonly from: number;
  readonly to: number;
}

/** Brings the schema to the newest version, as `setup()` does. Safe under concurrent callers. @throws WORLD_NEWER, WORLD_UNAVAILABLE */
export async function migratePostgres({ url, schema = "perdure" }: MigrateOptions): Promise<Migrated> {
  return withSchema(url, schema, async ({ source, sql, from }) => {
    await migrate(source, sql, schema, true);
    return { from, to: newestVersion };
  });
}

export interface MigrationSqlOptions extends MigrateOptions {
  /** Also the grants of what the role of the workers needs, once it may not migrate itself (`migrate: false`). */
  readonly role?: string;
}

/** The SQL that would do so, for those who run it by hand; changes nothing. @throws WORLD_NEWER, WORLD_UNAVAILABLE */
export async function migrationSql({ url, schema = "perdure", role }: MigrationSqlOptions): Promise<string> {
  return withSchema(url, schema, async ({ source, sql, from }) => {
    // Refuses a schema that is newer.
    if (from >= newestVersion) await migrate(source, sql, schema, false);
    const script =
      from < newestVersion
        ? migrationScript(sql, from)
        : `-- The schema ${sql.schema} has version ${newestVersion}: there is nothing to migrate.\n`;
    return role === undefined ? script : `${script}\n-- What the role of the workers needs:\n${grants(sql, role)}\n`;
  });
}

interface Opened {
  readonly source: ReturnType<typeof createSource>;
  readonly sql: ReturnType<typeof createSql>;
  /** The version of the schema. */
  readonly from: number;
}

async function withSchema<T>(url: string, schema: string, work: (opened: Opened) => Promise<T>): Promise<T> {
  const source = createSource(url, { connections: 1 });
  const sql = createSql(schema);
  try {
    const client = await source.connect();
    const from = await versionOf(client, sql).finally(() => client.release(false));
    return await work({ source, sql, from });
  } catch (error) {
    throw explain(error);
  } finally {
    await source.close();
  }
}
