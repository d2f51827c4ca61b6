import { privileges } from "../migrations/privileges.ts";
import type { Examination } from "./examination.ts";
import { expectedColumns, expectedIndexes } from "./expected-schema.ts";

export const COLUMNS = `
  SELECT c.relname::text || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod) || CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END AS column
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
  WHERE n.nspname = $1 AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped ORDER BY 1`;

export const INDEXES = `
  SELECT t.relname::text || ' ' || i.relname || CASE WHEN x.indisunique THEN ' UNIQUE' ELSE '' END AS index, x.indisvalid AND x.indisready AS valid
  FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid JOIN pg_namespace n ON n.oid = t.relnamespace
  WHERE n.nspname = $1 ORDER BY 1`;

/** Whether all tables and columns are there, so that other checks can read them. */
export async function checkSchema({ schema, rows, found }: Examination): Promise<boolean> {
  const columns = new Set((await rows<{ column: string }>(COLUMNS, [schema])).map(({ column }) => column));
  const absent = expectedColumns.filter((column) => !columns.has(column));
  for (const column of absent) {
    const [name = ""] = column.split(" ");
    const now = [...columns].find((other) => other.startsWith(`${name} `));
    found("SCHEMA_DIFFERS", now === undefined ? `The column ${column} is missing.` : `The column ${now} should be ${column}.`);
  }
  const indexes = new Map((await rows<{ index: string; valid: boolean }>(INDEXES, [schema])).map(({ index, valid }) => [index, valid]));
  for (const index of expectedIndexes) {
    const valid = indexes.get(index);
    const [table, name, unique] = index.split(" ");
    if (valid === true) continue;
    const what = `The ${unique === undefined ? "" : "unique "}index ${name} of ${table}`;
    found("INDEX_MISSING", valid === undefined ? `${what} is missing.` : `${what} is invalid: its creation did not end.`);
  }
  return absent.length === 0;
}

/** Whether the role of the URL may do what a worker does. */
export async function checkPrivileges({ schema, rows, found }: Examination): Promise<boolean> {
  const wanted = Object.entries(privileges).flatMap(([table, names]) => names.map((name) => ({ table, name })));
  const missing = await rows<{ table: string; name: string; role: string }>(
    `SELECT w.t AS table, w.p AS name, current_user::text AS role FROM unnest($2::text[], $3::text[]) w(t, p)
     WHERE NOT has_schema_privilege($1, 'USAGE') OR NOT has_table_privilege(format('%I.%I', $1::text, w.t), w.p)`,
    [schema, wanted.map(({ table }) => table), wanted.map(({ name }) => name)],
  );
  if (missing.length === 0) return true;
  const list = missing.map(({ table, name }) => `${name} on ${table}`).join(", ");
  found("PRIVILEGES_MISSING", `The role "${missing[0]!.role}" lacks ${list}.`);
  return !missing.some(({ name }) => name === "SELECT");
}
