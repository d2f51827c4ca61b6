import { createHook } from "perdure";

async function reserve(order: number, part: number): Promise<string> {
  "use step";
  return `${order}.${part}`;
}

async function charge(order: number): Promise<string> {
  "use step";
  return `charged ${order}`;
}

/** A run of ten rows that then waits. */
export async function fulfil(order: number): Promise<string[]> {
  "use workflow";
  const done = [await charge(order)];
  for (let part = 0; part < 8; part++) done.push(await reserve(order, part));
  await createHook({ token: `order ${order}` });
  return done;
}
