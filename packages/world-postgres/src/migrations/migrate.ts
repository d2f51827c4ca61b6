/**
 * Brings a schema to the newest version.
 *
 * Any number of processes may do so at once: whoever holds the lock on the table of versions goes first, and the others find nothing left to do. All missing
 * migrations are one transaction, so that a schema is never between two versions.
 */

import { WorldError } from "@perdure/world";
import { IDLE_MS, limitIdle } from "../database/idle-limit.ts";
import type { PgClient, PgSource } from "../database/source.ts";
import type { Sql } from "../database/sql.ts";
import { migrations } from "./index.ts";

/** What two `CREATE … IF NOT EXISTS` of one moment answer to the slower. */
const MADE_MEANWHILE = new Set(["23505", "42P06", "42P07", "42710"]);
const NOT_THERE = new Set(["42P01", "3F000"]);

/** The newest version that this release knows. */
export const newestVersion = migrations.length;

const VERSIONS = `
  CREATE TABLE IF NOT EXISTS @versions (
    version int4 PRIMARY KEY,
    applied_at timestamptz NOT NULL DEFAULT now()
  )`;

/** Migrates if that is needed and allowed. @throws WORLD_NEWER, WORLD_UNAVAILABLE */
export async function migrate(source: PgSource, sql: Sql, schemaName: string, mayMigrate: boolean): Promise<void> {
  const client = await source.connect();
  let isBroken = true;
  try {
    const version = await versionOf(client, sql);
    assertKnown(version, schemaName);
    if (version < newestVersion && !mayMigrate) throw older(version, schemaName);
    if (version < newestVersion) {
      await makeVersions(client, sql);
      await applyMissing(client, sql, schemaName);
    }
    isBroken = false;
  } finally {
    client.release(isBroken);
  }
}

/** The version of a schema; 0 when it is not there. */
export async function versionOf(client: Pick<PgClient, "query">, sql: Sql): Promise<number> {
  try {
    const { rows } = await client.query({
      text: sql.of("SELECT coalesce(max(version), 0) FROM @versions").text,
      rowMode: "array",
    } as never);
    return Number(rows[0]![0]);
  } catch (error) {
    if (NOT_THERE.has(String((error as { code?: unknown }).code))) return 0;
    throw error;
  }
}

/** The statements that bring a schema from one version to the newest, for people who run them by hand. */
export function migrationScript(sql: Sql, from: number): string {
  const parts = from === 0 ? [`CREATE SCHEMA IF NOT EXISTS ${sql.schema};`, `${sql.of(VERSIONS).text.trim()};`] : [];
  for (let version = from + 1; version <= newestVersion; version++) {
    parts.push(`-- Version ${version}`, sql.of(migrations[version - 1]!).text.trim(), `${insertVersion(sql, version)};`);
  }
  return `BEGIN;\n${parts.join("\n")}\nCOMMIT;\n`;
}

function insertVersion(sql: Sql, version: number): string {
  return sql.of(`INSERT INTO @versions (version) VALUES (${version})`).text;
}

/** The schema and its table of versions, each in a transaction of its own: the loser of a race finds the winner's. */
async function makeVersions(client: PgClient, sql: Sql): Promise<void> {
  const { rows } = await client.query({
    text: `SELECT 1 FROM pg_namespace WHERE quote_ident(nspname) = $1 OR $1 = '"' || nspname || '"'`,
    values: [sql.schema],
  } as never);
  const statements = rows.length === 0 ? [`CREATE SCHEMA IF NOT EXISTS ${sql.schema}`] : [];
  for (const text of [...statements, sql.of(VERSIONS).text]) {
    try {
      await client.query({ text });
    } catch (error) {
      if (!MADE_MEANWHILE.has(String((error as { code?: unknown }).code))) throw error;
    }
  }
}

async function applyMissing(client: PgClient, sql: Sql, schemaName: string): Promise<void> {
  await client.query({ text: `BEGIN;${limitIdle(IDLE_MS)}` });
  try {
    await client.query({ text: sql.of("LOCK TABLE @versions IN EXCLUSIVE MODE").text });
    const version = await versionOf(client, sql);
    assertKnown(version, schemaName);
    for (let next = version + 1; next <= newestVersion; next++) {
      await client.query({ text: sql.of(migrations[next - 1]!).text });
      await client.query({ text: insertVersion(sql, next) });
    }
    await client.query({ text: "COMMIT" });
  } catch (error) {
    await client.query({ text: "ROLLBACK" }).catch(() => {});
    throw error;
  }
}

function assertKnown(version: number, schemaName: string): void {
  if (version <= newestVersion) return;
  throw new WorldError(
    "WORLD_NEWER",
    `The schema "${schemaName}" has version ${version}; this release knows versions up to ${newestVersion}.`,
    {
      hint: "It was left as it is. Install the release of @perdure/world-postgres that wrote it, or a later one.",
    },
  );
}

function older(version: number, schemaName: string): WorldError {
  const state = version === 0 ? "is not there" : `has version ${version}, and this release needs ${newestVersion}`;
  return new WorldError("WORLD_UNAVAILABLE", `The schema "${schemaName}" ${state}.`, {
    hint: "Run `npx perdure migrate`, or let setup() migrate.",
  });
}
