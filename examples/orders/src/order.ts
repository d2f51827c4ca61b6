/** What a customer sends. The customer chooses the id, so that an order that is sent twice is still one order. */
export interface Order {
  readonly id: string;
  readonly email: string;
  readonly item: string;
  readonly quantity: number;
  readonly amountCents: number;
}

/** Something that came from outside does not have the right form; the message says what is wrong with it. */
export class InvalidInput extends Error {}

/** Checks what came over HTTP. @throws InvalidInput naming every field that is wrong */
export function parseOrder(value: unknown): Order {
  const { id, email, item, quantity, amountCents } = (value ?? {}) as Partial<Record<keyof Order, unknown>>;
  const problems: string[] = [];
  if (typeof id !== "string" || !/^[\w-]{1,64}$/.test(id)) problems.push("id must be 1 to 64 letters, digits, - or _");
  if (typeof email !== "string" || !email.includes("@")) problems.push("email must be an e-mail address");
  if (typeof item !== "string" || item === "") problems.push("item must be a text");
  if (!isCount(quantity)) problems.push("quantity must be a whole number, 1 or more");
  if (!isCount(amountCents)) problems.push("amountCents must be a whole number, 1 or more");
  if (problems.length > 0) throw new InvalidInput(problems.join("; "));
  return { id, email, item, quantity, amountCents } as Order;
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) > 0;
}
