import { sleep } from "perdure";
import { priceOf } from "./prices.ts";

export async function waitsForATimer(): Promise<string> {
  "use workflow";
  setImmediate(() => undefined);
  return "never";
}

export async function waitsForAHelper(): Promise<number> {
  "use workflow";
  const price = await priceOf("slow");
  await sleep(1);
  return price;
}
