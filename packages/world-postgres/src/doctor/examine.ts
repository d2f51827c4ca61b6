/**
 * What is wrong with a database, seen from outside: only reads, with one connection, and none of what the engine decides by. Each check is a statement of its own; what the role may not
 * read is left out.
 */
import pg from "pg";
import { explain } from "../database/failure.ts";
import { createSql } from "../database/sql.ts";
import { newestVersion, versionOf } from "../migrations/migrate.ts";
import { catalogue, warnings } from "./catalogue.ts";
import { checkPrivileges, checkSchema } from "./check-schema.ts";
import { checkServer, isStandby } from "./check-server.ts";
import { checkTables } from "./check-tables.ts";
import { checkRuns } from "./check-runs.ts";
import type { Examination, Finding } from "./examination.ts";

export interface ExamineOptions {
  readonly url: string;
  /** Default `perdure`. */
  readonly schema?: string;
}

/** What tests may change beside the options. */
export interface InternalOptions {
  /** No statement may weigh on a server that has trouble already. */
  readonly statementMs?: number;
  /** From when on a transaction is long, s. Those of workers take milliseconds; reports and dumps may take minutes. */
  readonly longTransactionS?: number;
}

/** Examines a schema and its server. Problems first, then warnings. @throws WORLD_UNAVAILABLE when it cannot be reached */
export async function examinePostgres(options: ExamineOptions): Promise<Finding[]> {
  return examinePostgresWith(options, {});
}

/** {@link examinePostgres}, with limits of one's own. */
export async function examinePostgresWith(
  { url, schema = "perdure" }: ExamineOptions,
  { statementMs = 30_000, longTransactionS = 600 }: InternalOptions,
): Promise<Finding[]> {
  const findings: Finding[] = [];
  const sql = createSql(schema);
  const client = new pg.Client({ connectionString: url, application_name: "perdure doctor", connectionTimeoutMillis: 10_000 });
  client.on("error", () => {});
  try {
    await client.connect();
    await client.query(`SET statement_timeout = ${statementMs}`);
    await examine(client, {
      schema,
      sql,
      longTransactionS,
      rows: async (template, values = []) => (await client.query({ text: sql.of(template).text, values: [...values] })).rows as never,
      found(code, message) {
        findings.push({ code, severity: warnings.has(code) ? "warning" : "problem", message, hint: catalogue[code] });
      },
    });
  } catch (error) {
    throw explain(error);
  } finally {
    await client.end().catch(() => {});
  }
  return findings.sort((one, other) => Number(one.severity === "warning") - Number(other.severity === "warning"));
}

async function examine(client: pg.Client, examination: Examination): Promise<void> {
  const { schema, found } = examination;
  const version = await versionOf(client as never, examination.sql);
  if (await isStandby(examination)) found("NOT_PRIMARY", "This server is a standby.");
  await attempt(examination, "the server", checkServer);
  if (version === 0) return found("SCHEMA_MISSING", `There is no schema "${schema}" with the tables of Perdure.`);
  if (version > newestVersion) {
    return found("SCHEMA_NEWER", `The schema "${schema}" has version ${version}; this release knows versions up to ${newestVersion}.`);
  }
  if (version < newestVersion) {
    return found("SCHEMA_OLD", `The schema "${schema}" has version ${version}; this release needs ${newestVersion}.`);
  }
  if (!(await checkSchema(examination)) || !(await checkPrivileges(examination))) return;
  await attempt(examination, "runs", checkRuns);
  await attempt(examination, "tables", checkTables);
}

/** No right, or no time, to read something. */
const skipped = new Set(["42501", "57014"]);

async function attempt(examination: Examination, what: string, check: (examination: Examination) => Promise<void>): Promise<void> {
  try {
    await check(examination);
  } catch (error) {
    if (!skipped.has(String((error as { code?: unknown }).code))) throw error;
    examination.found("CHECK_SKIPPED", `Not all of ${what} was looked at: ${(error as Error).message}.`);
  }
}
