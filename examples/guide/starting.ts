import { sleep } from "perdure";
import { getRun, start, startMany } from "perdure/api";
import { PerdureError } from "perdure/errors";

interface Order {
  readonly id: string;
  readonly total: number;
}

let charges = 0;

async function charge(order: Order) {
  "use step";
  charges += 1;
  return { order: order.id, paid: order.total };
}

export async function fulfil(order: Order) {
  "use workflow";
  return charge(order);
}

export async function remind(user: string) {
  "use workflow";
  await sleep("7 days");
  return `${user} was reminded`;
}

const order = { id: "order-1", total: 30 };
const run = await start(fulfil, [order], { id: order.id });
await start(fulfil, [order], { id: order.id }); // a retry, a second click: the run that exists
console.log(await run.returnValue, `charges: ${charges}`);

const again = await start(fulfil, [order], { id: order.id, ifExists: "fail" }).catch((error: unknown) => error);
console.log(PerdureError.is(again) && again.code);

// Elsewhere, later: the type says what the run gives.
const receipt = await getRun<typeof fulfil>("order-1").returnValue;
console.log(receipt.paid.toFixed(2));

const many = await startMany([2, 3].map((n) => [fulfil, [{ id: `order-${n}`, total: n }], { id: `order-${n}` }] as const));
console.log((await Promise.all(many.map((one) => one.returnValue))).map((one) => one.paid));

const later = await start(remind, ["Ada"], { id: "remind-ada", startAt: "2 days", deadline: "30 days" });
console.log(await later.status);
await later.wakeUp(); // it begins now …
while (!(await later.waits).some(({ kind }) => kind === "wait")) await new Promise((resolve) => setTimeout(resolve, 5));
await later.wakeUp(); // … and does not sleep for seven days
console.log(await later.returnValue);

const late = await start(remind, ["Grace"], { deadline: "30ms" });
console.log(((await late.returnValue.catch((error: Error) => error)) as Error).message.replace(late.runId, "…"));
