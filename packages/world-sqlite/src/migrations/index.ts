import { initial } from "./0001-initial.ts";
import { searchAndState } from "./0002-search-and-state.ts";
import { streamWriters } from "./0003-stream-writers.ts";
import { codeOrder } from "./0005-code-order.ts";
import { awaits } from "./0004-awaits.ts";

/**
 * All migrations in order; `PRAGMA user_version` counts those that a file has had. A migration that was released is never edited:
 * a change is a new one at the end.
 */
export const migrations: readonly string[] = [initial, searchAndState, streamWriters, awaits, codeOrder];
