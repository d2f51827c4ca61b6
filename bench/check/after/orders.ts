import { createHook } from "perdure";

async function reserve(order: number, part: number): Promise<string> {
  "use step";
  return `${order}.${part}`;
}

async function charge(order: number): Promise<string> {
  "use step";
  return `charged ${order}`;
}

/** Every other order begins with the other step, and all end with one more. */
export async function fulfil(order: number): Promise<string[]> {
  "use workflow";
  const done = [order % 2 === 0 ? await charge(order) : await reserve(order, -1)];
  for (let part = 0; part < 8; part++) done.push(await reserve(order, part));
  await createHook({ token: `order ${order}` });
  done.push(await charge(order));
  return done;
}
