/** The table of transactions in another database than the World's. */

import type { PgQueryable } from "../database/source.ts";

const NAME = "perdure_transactions";

/** Creates the table of {@link transaction} in a database of your own, unless it is there. For migrations by other tools. */
export const transactionTableSql = `CREATE TABLE IF NOT EXISTS ${NAME} (
  run_id uuid NOT NULL,
  operation text NOT NULL,
  name text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  result bytea,
  PRIMARY KEY (run_id, operation, name)
)`;

/** What two `CREATE … IF NOT EXISTS` of one moment answer to the slower. */
const MADE_MEANWHILE = new Set(["23505", "42P07", "42710"]);

/**
 * Creates the table `perdure_transactions` in a database of your own, in the first schema of its search path, unless it is there. Any number of processes may
 * do so at once. The World's own database needs none.
 */
export async function createTransactionTable(pool: PgQueryable): Promise<void> {
  try {
    await pool.query({ text: transactionTableSql });
  } catch (error) {
    if (!MADE_MEANWHILE.has(String((error as { code?: unknown }).code))) throw error;
  }
}

/** The name of the table there. */
export const transactionTable = NAME;
