import { randomUUID } from "node:crypto";

import { latency } from "./latency.ts";
import { openLedger, type Entry } from "./ledger.ts";

interface Shipment extends Entry {
  readonly trackingId: string;
}

const shipments = openLedger<Shipment>("shipments");

/** Hands a parcel to the carrier and returns its tracking id. */
export async function ship(request: { key: string; orderId: string }): Promise<string> {
  await latency(200, 500);
  return shipments.record({ ...request, trackingId: `parcel_${randomUUID().slice(0, 8)}` }).trackingId;
}
