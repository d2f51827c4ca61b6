import { start } from "perdure/api";

export class Money {
  constructor(
    readonly cents: bigint,
    readonly currency: string,
  ) {}
  static [Symbol.for("workflow-serialize")] = ({ cents, currency }: Money) => ({ cents, currency });
  static [Symbol.for("workflow-deserialize")] = ({ cents, currency }: Money) => new Money(cents, currency);
  toString() {
    return `${this.currency} ${Number(this.cents) / 100}`;
  }
}

type Pay = (amount: Money) => Promise<string>;

export async function payByCard(amount: Money) {
  "use step";
  return `${amount} by card`;
}

export async function payByInvoice(amount: Money) {
  "use step";
  return `${amount} by invoice`;
}

async function choose(country: string): Promise<Pay> {
  "use step";
  return country === "NL" ? payByInvoice : payByCard; // a reference to a step
}

async function stock() {
  "use step";
  return { counts: new Map([["lamp", 3]]), checkedAt: new Date(0), notes: new Set(["fragile"]) };
}

export async function checkout(amount: Money, country: string) {
  "use workflow";
  const pay = await choose(country);
  const { counts, checkedAt } = await stock();
  return { paid: await pay(amount), isMoney: amount instanceof Money, lamps: counts.get("lamp"), checkedAt };
}

export async function leak() {
  "use workflow";
  return { retry: () => "not stored" } as object;
}

const run = await start(checkout, [new Money(1999n, "EUR"), "NL"]);
console.log(await run.returnValue);

const bad = await start(leak, []);
await bad.returnValue.catch((error: Error) => console.log((error.cause as Error).message.split("\n")[0]));
