/**
 * The text of statements. Tables are written `@runs` and get the schema's name in front; `@now` is the World's clock in milliseconds.
 * A search path would not do: behind a pooler in transaction mode it belongs to nobody.
 */

import { createHash } from "node:crypto";

/** Milliseconds since the epoch by the database's clock. */
const CLOCK = "floor(extract(epoch FROM clock_timestamp()) * 1000)::int8";

export interface PreparedText {
  /** The same for the same text on all connections, so that a server prepares it once per connection. */
  readonly name: string;
  readonly text: string;
}

/** Turns the texts of statements into those for one schema. */
export interface Sql {
  /** The schema's name, quoted. */
  readonly schema: string;
  of(template: string): PreparedText;
}

/** @param clock a scalar expression, evaluated once per statement; default: the database's clock */
export function createSql(schemaName: string, clock: string = CLOCK): Sql {
  const schema = quoteName(schemaName);
  const known = new Map<string, PreparedText>();
  return {
    schema,
    of(template) {
      let prepared = known.get(template);
      if (prepared === undefined) {
        const text = template.replaceAll("@now", `(SELECT ${clock})`).replace(/@([a-z_]+)/g, `${schema}.$1`);
        prepared = { text, name: `perdure_${createHash("sha256").update(text).digest("hex").slice(0, 20)}` };
        known.set(template, prepared);
      }
      return prepared;
    },
  };
}

/** A name of a schema or role as SQL. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
