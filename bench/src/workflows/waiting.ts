import { createHook, sleep } from "perdure";

/** What the runs are started with. */
export interface Order {
  readonly id: string;
  readonly customer: string;
  readonly items: readonly { readonly sku: string; readonly count: number }[];
}

async function reserve(order: Order): Promise<{ reservation: string; total: number }> {
  "use step";
  return { reservation: `r-${order.id}`, total: order.items.reduce((sum, { count }) => sum + count, 0) };
}

let underWay = 0;

/** How many attempts of {@link ship} have begun. */
export const attemptsUnderWay = (): number => underWay;

/** Ends the attempts of {@link ship}. */
export let arrive = (): void => undefined;
const arrival = new Promise<void>((resolve) => (arrive = resolve));

async function ship(reservation: string): Promise<string> {
  "use step";
  underWay++;
  await arrival;
  return reservation;
}

/** Waits for a decision from outside. */
export async function awaitHook(order: Order): Promise<string> {
  "use workflow";
  const { reservation, total } = await reserve(order);
  const { approved } = await createHook<{ approved: boolean }>({ token: `decision-${order.id}` });
  return approved && total > 0 ? reservation : "refused";
}

/** Waits for a time. */
export async function awaitTime(order: Order): Promise<string> {
  "use workflow";
  const { reservation } = await reserve(order);
  await sleep("30 days");
  return reservation;
}

/** Waits for a step. */
export async function awaitStep(order: Order): Promise<string> {
  "use workflow";
  const { reservation } = await reserve(order);
  return ship(reservation);
}

/** What {@link awaitHook} is to JavaScript: an async function in the middle, and what it waits for. */
export async function plain(order: Order, decision: Promise<{ approved: boolean }>): Promise<string> {
  const { reservation, total } = await Promise.resolve({ reservation: `r-${order.id}`, total: order.items.length });
  const { approved } = await decision;
  return approved && total > 0 ? reservation : "refused";
}
