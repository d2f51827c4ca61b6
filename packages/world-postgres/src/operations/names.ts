/**
 * Names that very many runs share, workflow ids and versions: a run has eight bytes of each, and the table of names has the text.
 *
 * The id of a name is a hash of it, so that nothing has to be asked or remembered before it is written, and no database that went back gives it to another name.
 * The statement that inserts a run inserts the names that are not there: whoever sees the run sees them, after a rollback, a failover or in a backup too. They
 * stay when their runs are deleted: a row for each workflow and each version that was ever started.
 *
 * That two names have one id is left out of account: among 100,000 of them it is a chance of 3 in 10,000 million.
 */

import { createHash } from "node:crypto";

const ids = new Map<string, bigint>();

/** The id of a name: the first 64 bits of its SHA-256. Migration 5 does the same in SQL. */
export function nameId(name: string): bigint {
  let id = ids.get(name);
  if (id === undefined) {
    id = createHash("sha256").update(name).digest().readBigInt64BE();
    if (ids.size >= 1000) ids.clear();
    ids.set(name, id);
  }
  return id;
}

/** SQL for the name with an id. (There may be two rows of it.) @param id a column */
export function nameOf(id: string): string {
  return `(SELECT n.name FROM @names n WHERE n.id = ${id} LIMIT 1)`;
}

/** The part of a statement that inserts those of some names that are not there. @param ids,names parameters of equal length */
export function namesPart(ids: string, names: string): string {
  return `
    INSERT INTO @names (id, name) SELECT m.id, m.name FROM unnest(${ids}::int8[], ${names}::text[]) AS m(id, name)
    WHERE (SELECT n.id FROM @names n WHERE n.id = m.id LIMIT 1) IS NULL`;
}
