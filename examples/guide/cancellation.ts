import { FatalError, TimeoutError, saga, scope, shield, sleep } from "perdure";
import { start } from "perdure/api";
import { WorkflowRunCancelledError } from "perdure/errors";

async function reserve(item: string) {
  "use step";
  console.log(`reserve ${item}`);
  return item;
}

async function release(item: string) {
  "use step";
  console.log(`release ${item}`);
}

async function charge(amount: number) {
  "use step";
  if (amount > 100) throw new FatalError("the card was declined");
  return `paid ${amount}`;
}

export async function hold(item: string) {
  "use workflow";
  const reservation = await reserve(item);
  try {
    await sleep("3 days");
    return "kept";
  } finally {
    await shield(() => release(reservation)); // goes on although the run is cancelled
  }
}

export async function bestOffer() {
  "use workflow";
  try {
    return await scope({ timeout: "20ms" }, () => sleep("1 day").then(() => "an offer"));
  } catch (error) {
    if (!TimeoutError.is(error)) throw error;
    return "no offer in time";
  }
}

export async function book(amount: number) {
  "use workflow";
  return saga(async (compensate) => {
    const room = await reserve("room");
    compensate(() => release(room));
    const seat = await reserve("seat");
    compensate(() => release(seat));
    return charge(amount);
  });
}

const held = await start(hold, ["lamp"]);
while (!(await held.waits).some(({ kind }) => kind === "wait")) await new Promise((resolve) => setTimeout(resolve, 5));
await held.cancel({ reason: "the customer changed their mind" });
const error = await held.returnValue.catch((thrown: unknown) => thrown);
if (!WorkflowRunCancelledError.is(error)) throw error;
console.log(await held.status, "-", (error.cause as Error).message);

console.log(await (await start(bestOffer, [])).returnValue);

const booking = await start(book, [250]);
await booking.returnValue.catch((failed: Error) => console.log((failed.cause as Error).message));
