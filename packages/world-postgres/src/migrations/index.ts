import { initial } from "./0001-initial.ts";
import { transactions } from "./0002-transactions.ts";
import { retention } from "./0003-retention.ts";
import { shards } from "./0004-shards.ts";
import { names } from "./0005-names.ts";
import { codeUse } from "./0006-code-use.ts";
import { codeOrder } from "./0007-code-order.ts";
import { senders } from "./0008-senders.ts";

/** All migrations in order. One that was released is never edited: a change is a new one at the end. */
export const migrations: readonly string[] = [initial, transactions, retention, shards, names, codeUse, codeOrder, senders];
