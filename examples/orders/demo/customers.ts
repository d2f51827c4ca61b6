import type { Order } from "../src/order.ts";

/** Somebody who wants something, and asks until there is an answer. */
export interface Customer {
  readonly order: Order;
  /** When they order, ms after the shop has opened. */
  readonly orderAtMs: number;
  /** How often they have sent the order. */
  sent: number;
  isAnswered: boolean;
}

const small = ["lamp", "chair", "shelf", "rug"] as const;
const large = ["sofa", "wardrobe"] as const;
const priceCents = { lamp: 49_90, chair: 89_00, shelf: 119_00, rug: 79_50, sofa: 890_00, wardrobe: 640_00 };

/** Twenty customers, six of whom order something large, within `spanMs`. */
export function createCustomers(random: () => number, spanMs: number): Customer[] {
  const isLarge = shuffled([...Array<boolean>(14).fill(false), ...Array<boolean>(6).fill(true)], random);
  return isLarge.map((wantsLarge, index) => {
    const items = wantsLarge ? large : small;
    const item = items[Math.floor(random() * items.length)] ?? items[0];
    const quantity = wantsLarge ? 1 : 1 + Math.floor(random() * 3);
    const id = String(1001 + index);
    return {
      order: { id, email: `customer-${id}@example.com`, item, quantity, amountCents: quantity * priceCents[item] },
      orderAtMs: ((index + random()) / isLarge.length) * spanMs,
      sent: 0,
      isAnswered: false,
    };
  });
}

/** Fisher and Yates's way. */
function shuffled<T>(values: T[], random: () => number): T[] {
  for (let last = values.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    [values[last], values[other]] = [values[other] as T, values[last] as T];
  }
  return values;
}
