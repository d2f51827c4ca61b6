/** Programs with a part that all runs share: their bundles are of protocol 2. */
import { defineHook } from "perdure";
import * as v from "valibot";
import { echo } from "./steps.ts";

const Order = v.object({ id: v.string(), amount: v.pipe(v.number(), v.minValue(1)) });
const orders = defineHook({ schema: Order });

export async function checked(id: string) {
  "use workflow";
  const order = v.parse(Order, { id, amount: await echo(30) });
  const wrong = v.safeParse(Order, { id, amount: await echo(0) });
  const thrown = await Promise.resolve()
    .then(() => v.parse(Order, {}))
    .catch((error: unknown) => (error as Error).name);
  return [order, wrong.issues?.map(({ message }) => message), thrown];
}

export async function openShared(token: string) {
  "use workflow";
  return v.parse(Order, await orders.create({ token }));
}
