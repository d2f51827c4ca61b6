import { plainArray } from "../database/arrays.ts";
import type { Transaction } from "../database/database.ts";

const FORGET = "DELETE FROM @transactions WHERE run_id = ANY($1::uuid[])";

/**
 * Deletes what transactions of steps left for the next execution of the same call. Only for runs that are over, in the transaction that deletes them or later: an open run would make
 * the queries again. Returns how many rows there were.
 */
export async function forgetTransactions(transaction: Transaction, runIds: readonly string[]): Promise<number> {
  return transaction.run(FORGET, [plainArray(runIds)]);
}
