import { FatalError, sleep } from "perdure";
import { seal } from "seals";
import { Basket } from "./basket.ts";
import { priceOf, readRate } from "./money.ts";
import type { Size } from "./size.ts";

export interface Order {
  customer: string;
  sizes: Size[];
}

export async function convert(amount: number): Promise<number> {
  "use step";
  return amount * readRate();
}

export async function fulfil(order: Order): Promise<string> {
  "use workflow";
  const basket = new Basket(order.customer);
  for (const size of order.sizes) basket.add(priceOf(size));
  const label = `${basket.owner} pays`;
  async function describe(total: number): Promise<string> {
    "use step";
    return `${label} ${total}`;
  }
  await sleep("10ms");
  return seal(await describe(await convert(basket.total)));
}

async function refuse(customer: string): Promise<void> {
  "use step";
  if (customer !== "") throw new FatalError(`no credit for ${customer}`);
}

export async function failInStep(customer: string): Promise<void> {
  "use workflow";
  await refuse(customer);
}

export async function failInWorkflow(customer: string): Promise<void> {
  "use workflow";
  const limit: number = await convert(1);
  throw new RangeError(`${customer} is over ${limit}`);
}
