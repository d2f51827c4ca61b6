import { FatalError, sleep } from "perdure";
import { start } from "perdure/api";

interface Quote {
  readonly carrier: string;
  readonly price: number;
}

const rates = new Map([
  ["Swift", 9],
  ["Harbour", 7],
]);

async function quote(carrier: string, kilos: number): Promise<Quote> {
  "use step";
  const rate = rates.get(carrier);
  if (rate === undefined) throw new FatalError(`${carrier} does not serve us`);
  return { carrier, price: rate * kilos };
}

async function book(carrier: string, parcel: string) {
  "use step";
  return `${parcel} by ${carrier}`;
}

async function tell(customer: string) {
  "use step";
  return `told ${customer}`;
}

/** Not marked: a workflow calls it, so it is workflow code too, and may call steps. */
async function cheapest(kilos: number): Promise<Quote> {
  const answers = await Promise.allSettled(["Swift", "Harbour", "Balloon"].map((carrier) => quote(carrier, kilos)));
  const quotes = answers.flatMap((answer) => (answer.status === "fulfilled" ? [answer.value] : []));
  return quotes.reduce((best, next) => (next.price < best.price ? next : best));
}

export async function ship(parcels: string[]) {
  "use workflow";
  const best = await cheapest(parcels.length * 2);
  const told = tell("Ada"); // begins now, is awaited later
  const booked = await Promise.all(parcels.map((parcel) => book(best.carrier, parcel)));
  const first = await Promise.race([told, sleep("1 hour").then(() => "nobody was told")]);
  let problem = "none";
  try {
    await quote("Balloon", 1);
  } catch (error) {
    problem = (error as Error).message;
  }
  return { price: best.price, booked, first, problem };
}

const run = await start(ship, [["lamp", "chair"]]);
console.log(await run.returnValue);
