import type { Sql } from "../database/sql.ts";
import { quoteName } from "../database/sql.ts";

/** What a World does with each table once the schema is there: the least that its role needs. */
export const privileges: Readonly<Record<string, readonly string[]>> = {
  attributes: ["SELECT", "INSERT", "UPDATE", "DELETE"],
  awaits: ["SELECT", "INSERT", "UPDATE", "DELETE"],
  chunks: ["SELECT", "INSERT"],
  code: ["SELECT", "INSERT"],
  history: ["SELECT", "INSERT"],
  hooks: ["SELECT", "INSERT", "DELETE"],
  messages: ["SELECT", "INSERT", "UPDATE"],
  runs: ["SELECT", "INSERT", "UPDATE"],
  state: ["SELECT", "INSERT", "UPDATE"],
  stream_writers: ["SELECT", "INSERT", "UPDATE"],
  streams: ["SELECT", "INSERT", "UPDATE"],
  versions: ["SELECT"],
  workers: ["SELECT", "INSERT", "UPDATE", "DELETE"],
};

/** The statements that give them to a role. */
export function grants(sql: Sql, role: string): string {
  const to = quoteName(role);
  const tables = Object.entries(privileges).map(([table, names]) => `GRANT ${names.join(", ")} ON ${sql.schema}.${table} TO ${to};`);
  return [`GRANT USAGE ON SCHEMA ${sql.schema} TO ${to};`, ...tables].join("\n");
}
