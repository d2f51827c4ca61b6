export { createPostgresWorld } from "./postgres-world.ts";
export type { PostgresWorldOptions } from "./postgres-world.ts";
export type { PgQueryable } from "./database/source.ts";
export { transaction } from "./transaction/transaction.ts";
export type { TransactionOptions } from "./transaction/transaction.ts";
export { createTransactionTable, transactionTableSql } from "./transaction/table.ts";
export { TransactionError } from "./transaction/errors.ts";
export type { TransactionErrorCode } from "./transaction/errors.ts";
