import type { Examination } from "./examination.ts";

/** Below so many dead rows a table is small whatever their share is. */
const manyDead = 100_000;

interface Table {
  readonly name: string;
  readonly live: number;
  readonly dead: number;
  readonly vacuumed: string | null;
}

/** Dead rows against live ones. The numbers are the server's estimates. */
export async function checkTables({ schema, rows, found }: Examination): Promise<void> {
  const tables = await rows<Table>(
    `SELECT relname::text AS name, n_live_tup::float8 AS live, n_dead_tup::float8 AS dead, to_char(greatest(last_vacuum, last_autovacuum) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI"Z"') AS vacuumed
     FROM pg_stat_user_tables WHERE schemaname = $1 AND n_dead_tup > $2 AND n_dead_tup > n_live_tup ORDER BY n_dead_tup DESC`,
    [schema, manyDead],
  );
  for (const { name, live, dead, vacuumed } of tables) {
    const when = vacuumed === null ? "it was never vacuumed" : `it was vacuumed last at ${vacuumed}`;
    found("TABLE_BLOATED", `${name} has about ${dead} dead rows beside ${live} live ones; ${when}.`);
  }
}
