/** Questions about where things are. On a single server there is no locality, and everything is here. */

import type { Transaction } from "../database/database.ts";
import type { NameKind } from "../database/locality.ts";

/** Whether a run lives on this server. */
export function isLocal({ locality }: Pick<Transaction, "locality">, runId: string): boolean {
  return locality === null || locality.isLocal(runId);
}

/** Whether this server says who has a name. */
export function isHome({ locality }: Pick<Transaction, "locality">, kind: NameKind, name: string): boolean {
  return locality === null || locality.isHome(kind, name);
}
