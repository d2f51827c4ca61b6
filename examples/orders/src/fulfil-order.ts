import { FatalError, RetryableError, sleep } from "perdure";

import { approval, approvalToken } from "./approval.ts";
import { logAttempt } from "./attempt-log.ts";
import type { Order } from "./order.ts";
import { ship as shipParcel } from "./outside/carrier.ts";
import { sendMail } from "./outside/mail.ts";
import { chargeCard, refundCard } from "./outside/payment-provider.ts";
import { release, reserve, stockOf } from "./outside/warehouse.ts";

/** Orders of this amount and more wait for a human before they are shipped. */
const approvalLimitCents = 500_00;

/** What became of an order. */
export type Fulfilment =
  | { readonly outcome: "shipped"; readonly chargeId: string; readonly trackingId: string }
  | { readonly outcome: "rejected"; readonly by: string };

/**
 * The life of an order. It reads as if it ran in one go on a machine that never fails; in truth each `await` is a place where it may
 * stop for a second or a month, in one process, and go on in another.
 */
export async function fulfilOrder(order: Order): Promise<Fulfilment> {
  "use workflow";
  await reserveStock(order);
  const chargeId = await charge(order);

  if (order.amountCents >= approvalLimitCents) {
    const hook = approval.create({ token: approvalToken(order.id) });
    const { approved, by } = await hook; // as long as it takes: nothing runs meanwhile
    hook.dispose(); // one decision is enough; a second one is told so
    if (!approved) {
      await refund(order, chargeId);
      await releaseStock(order);
      return { outcome: "rejected", by };
    }
  }

  const trackingId = await ship(order);
  await sleep("1s"); // so that the receipt does not come before the carrier knows the parcel
  await sendReceipt(order, trackingId);
  return { outcome: "shipped", chargeId, trackingId };
}

// The steps. A step whose process dies is run again, and one that fails is tried again, so each gives the outside world a key that is
// the same on every attempt (`stepId`): that is what keeps "again" from meaning "twice". A step's result is recorded, once; from then
// on it is read, never run.

async function reserveStock(order: Order): Promise<void> {
  "use step";
  return logAttempt(async ({ stepId }) => {
    // More attempts would not put more on the shelf.
    if (order.quantity > stockOf(order.item)) throw new FatalError(`There are not ${order.quantity} of ${order.item}.`);
    await reserve({ key: stepId, orderId: order.id, item: order.item, quantity: order.quantity });
  });
}

async function charge(order: Order): Promise<string> {
  "use step";
  return logAttempt(async ({ stepId }) => {
    try {
      return await chargeCard({ key: stepId, orderId: order.id, amountCents: order.amountCents });
    } catch (cause) {
      // Was the card charged? We cannot know, and need not: the next attempt has the same key.
      throw new RetryableError("The payment provider did not answer.", { retryAfter: 400, cause });
    }
  });
}
charge.maxRetries = 15; // the default is 3, too few for this provider

async function refund(order: Order, chargeId: string): Promise<void> {
  "use step";
  return logAttempt(({ stepId }) => refundCard({ key: stepId, orderId: order.id, chargeId }));
}

async function releaseStock(order: Order): Promise<void> {
  "use step";
  return logAttempt(({ stepId }) => release({ key: stepId, orderId: order.id, item: order.item, quantity: order.quantity }));
}

async function ship(order: Order): Promise<string> {
  "use step";
  return logAttempt(({ stepId }) => shipParcel({ key: stepId, orderId: order.id }));
}

async function sendReceipt(order: Order, trackingId: string): Promise<void> {
  "use step";
  const text = `Thank you for ordering ${order.quantity} x ${order.item}. Your parcel: ${trackingId}.`;
  return logAttempt(({ stepId }) => sendMail({ key: stepId, orderId: order.id, to: order.email, text }));
}
