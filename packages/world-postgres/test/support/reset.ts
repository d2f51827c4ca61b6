import type pg from "pg";

/** Empties the tables of a schema, but for the clock of its test: much faster than to make new ones. */
export async function emptySchema(client: pg.Client, schema: string): Promise<void> {
  const { rows } = await client.query<{ tablename: string }>(
    "SELECT tablename FROM pg_tables WHERE schemaname = $1 AND tablename NOT IN ('versions', 'test_clock')",
    [schema],
  );
  await client.query(rows.map(({ tablename }) => `DELETE FROM "${schema}"."${tablename}";`).join(""));
}
