import { charge } from "./steps.ts";

/** A helper without directives that calls a step. */
export async function checkout(order: string, cents: number): Promise<string> {
  return `checked out: ${await charge(order, cents)}`;
}
