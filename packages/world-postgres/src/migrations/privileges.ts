import type { Sql } from "../database/sql.ts";
import { quoteName } from "../database/sql.ts";

const all = ["SELECT", "INSERT", "UPDATE", "DELETE"] as const;
const neverChanged = ["SELECT", "INSERT", "DELETE"] as const;

/** What a World does with each table once the schema is there: the least that its role needs. Finished runs are deleted where that is asked for (`retentionMs`). */
export const privileges: Readonly<Record<string, readonly string[]>> = {
  attributes: all,
  awaits: all,
  chunks: neverChanged,
  code: all,
  history: neverChanged,
  hooks: all,
  keys: all,
  messages: all,
  names: ["SELECT", "INSERT"],
  outbox: neverChanged,
  reservations: ["SELECT", "INSERT", "UPDATE"],
  runs: all,
  state: all,
  stream_writers: all,
  streams: all,
  topology: ["SELECT", "INSERT", "UPDATE"],
  transactions: all,
  versions: ["SELECT"],
  workers: all,
};

/** The statements that give them to a role. */
export function grants(sql: Sql, role: string): string {
  const to = quoteName(role);
  const tables = Object.entries(privileges).map(([table, names]) => `GRANT ${names.join(", ")} ON ${sql.schema}.${table} TO ${to};`);
  return [`GRANT USAGE ON SCHEMA ${sql.schema} TO ${to};`, ...tables].join("\n");
}
