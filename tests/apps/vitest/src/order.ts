import { createHook, sleep } from "perdure";
import { checkout } from "./checkout.ts";
import { pay } from "./index.ts";
import { createPool } from "./pool.ts";
import { priceOf } from "./prices.ts";
import { charge, currency, parcels, ship } from "./steps.ts";

const pool = createPool();

export async function lookUp(order: string): Promise<string> {
  "use step";
  return pool.query(order);
}

export async function fulfil(order: string): Promise<string[]> {
  "use workflow";
  const paid = await charge(order, priceOf(order));
  if (paid === "declined") {
    return ["nothing"];
  }
  const shipped = await ship(order);
  return [paid, shipped];
}

export async function everything(order: string): Promise<unknown[]> {
  "use workflow";
  const prefix = `[${order}]`;
  async function note(text: string): Promise<string> {
    "use step";
    return `${prefix} ${text}`;
  }
  return [
    currency,
    await charge(order, 1),
    await pay(order, 2),
    await checkout(order, 3),
    await parcels.label(order),
    await lookUp(order),
    await note("done"),
  ];
}

export async function remind(order: string): Promise<{ before: number; after: number; text: string }> {
  "use workflow";
  const before = Date.now();
  await sleep("3 days");
  return { before, after: new Date().getTime(), text: await ship(order) };
}

export async function chance(): Promise<unknown[]> {
  "use workflow";
  const read = () => [Math.random(), crypto.randomUUID(), crypto.getRandomValues(new Uint8Array(4)), Date.now(), performance.now()];
  const first = read();
  const hook = createHook<string>({ token: "go-on" });
  console.log("waiting for", hook.token);
  const word = await hook;
  return [first, word, read()];
}

export async function fails(order: string): Promise<void> {
  "use workflow";
  await ship(order);
  throw new RangeError(`no such order: ${order}`);
}
