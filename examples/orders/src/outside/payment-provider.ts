/**
 * The payment provider: somebody else's service, with its own memory. It is slow and fails often, in the two ways in which real ones do:
 * before the card was charged, and after it, when only the answer is lost. The caller sees the same error either way.
 */
import { randomUUID } from "node:crypto";

import { config } from "../config.ts";
import { latency } from "./latency.ts";
import { openLedger, type Entry } from "./ledger.ts";

/** A line of `charges.jsonl`. */
export interface Charge extends Entry {
  readonly chargeId: string;
  readonly amountCents: number;
}

interface Refund extends Entry {
  readonly chargeId: string;
}

const charges = openLedger<Charge>("charges");
const refunds = openLedger<Refund>("refunds");

/** Charges a card and returns the charge's id; the same key again is the same charge. Throws at random. */
export async function chargeCard(request: { key: string; orderId: string; amountCents: number }): Promise<string> {
  await latency(100, 400);
  failSometimes();
  const { chargeId } = charges.record({ ...request, chargeId: `ch_${randomUUID().slice(0, 8)}` });
  await latency(50, 150);
  failSometimes();
  return chargeId;
}

/** Gives the money of a charge back. */
export async function refundCard(request: { key: string; orderId: string; chargeId: string }): Promise<void> {
  await latency(100, 400);
  refunds.record(request);
}

/** Called twice per charge, each time with half of the rate. */
function failSometimes(): void {
  if (Math.random() < config.paymentFailureRate / 2) throw new Error("socket hang up");
}
