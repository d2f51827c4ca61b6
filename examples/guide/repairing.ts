import { FatalError } from "perdure";
import { start } from "perdure/api";

/** Stands for a deploy: what was wrong with a step is mended. */
let isMended = false;

async function reserve(order: string) {
  "use step";
  console.log("reserve", order);
  return `${order} reserved`;
}

async function charge(order: string) {
  "use step";
  console.log("charge", order);
  if (!isMended) throw new FatalError("the bank has moved");
  return "charged";
}

export async function fulfil(order: string) {
  "use workflow";
  return [await reserve(order), await charge(order)];
}

const run = await start(fulfil, ["order 1"], { id: "order-1" });
await run.returnValue.catch(() => undefined);
console.log(await run.status, "because", await run.note);

isMended = true;
// From the failure on: what was done before is not done again.
await run.rewind();
console.log(await run.returnValue);

// Another run that begins with the first row and the reservation of that one.
const fork = await run.fork({ to: 2 });
console.log(await fork.returnValue);
