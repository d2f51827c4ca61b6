import { latency } from "./latency.ts";
import { openLedger, type Entry } from "./ledger.ts";

interface StockMovement extends Entry {
  readonly item: string;
  readonly quantity: number;
}

const reservations = openLedger<StockMovement>("reservations");
const releases = openLedger<StockMovement>("releases");

/** How many of an item there are. This warehouse has a hundred of everything, whoever asks. */
export function stockOf(_item: string): number {
  return 100;
}

/** Puts an order's goods aside. */
export async function reserve(request: Omit<StockMovement, "at">): Promise<void> {
  await latency(100, 300);
  reservations.record(request);
}

/** Puts them back on the shelf. */
export async function release(request: Omit<StockMovement, "at">): Promise<void> {
  await latency(100, 300);
  releases.record(request);
}
