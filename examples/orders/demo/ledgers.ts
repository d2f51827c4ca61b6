import { join } from "node:path";

import type { AttemptEntry } from "../src/attempt-log.ts";
import { readEntries, type Entry } from "../src/outside/ledger.ts";
import type { Charge } from "../src/outside/payment-provider.ts";

/** Everything that happened outside the workflows, from the files on disk. */
export interface Ledgers {
  readonly attempts: readonly AttemptEntry[];
  readonly reservations: readonly Entry[];
  readonly charges: readonly Charge[];
  readonly shipments: readonly Entry[];
  readonly mails: readonly Entry[];
}

/** Reads the ledgers of a folder as they are now. */
export function readLedgers(folder: string): Ledgers {
  const read = <T>(name: string) => readEntries<T>(join(folder, `${name}.jsonl`));
  return {
    attempts: read("attempts"),
    reservations: read("reservations"),
    charges: read("charges"),
    shipments: read("shipments"),
    mails: read("mails"),
  };
}
