/** Workflows as they are after a change of `order.ts`: their histories are those of `fulfil` and `remind`. */
import { createHook, sleep } from "perdure";
import { charge, ship } from "./steps.ts";

async function audit(order: string): Promise<string> {
  "use step";
  return order;
}

export async function shipsFirst(order: string): Promise<string[]> {
  "use workflow";
  const shipped = await ship(order);
  return [await charge(order, 300), shipped];
}

export async function audits(order: string): Promise<string[]> {
  "use workflow";
  await audit(order);
  return [await charge(order, 300), await ship(order)];
}

export async function asks(order: string): Promise<string[]> {
  "use workflow";
  await charge(order, 300);
  return createHook<string[]>();
}

export async function throws(order: string): Promise<string[]> {
  "use workflow";
  throw new RangeError(order);
}

export async function pays(order: string): Promise<string[]> {
  "use workflow";
  return [await charge(order, 1), `${await ship(order)} twice`];
}

export async function sleepsLonger(): Promise<void> {
  "use workflow";
  await sleep("4 days");
}
