import { createHook } from "perdure";

async function noOp(index: number): Promise<{ index: number }> {
  "use step";
  return { index };
}

/** Counts what arrives at a hook until it is told that there is no more. */
async function countMessages(token: string, before: number): Promise<number> {
  let count = before;
  for await (const { more } of createHook<{ more: boolean }>({ token })) {
    count++;
    if (!more) break;
  }
  return count;
}

/** Steps one after another, then messages. */
export async function sequential(events: number, token: string): Promise<number> {
  "use workflow";
  let done = 0;
  while (done < events) done = (await noOp(done)).index + 1;
  return countMessages(token, done);
}

/** Steps side by side, `width` at a time, then messages. */
export async function fanOut(events: number, token: string, width: number): Promise<number> {
  "use workflow";
  let done = 0;
  while (done < events) {
    const indexes = Array.from({ length: width }, (_, index) => done + index);
    done += (await Promise.all(indexes.map((index) => noOp(index)))).length;
  }
  return countMessages(token, done);
}

/** Messages alone. */
export async function messages(_events: number, token: string): Promise<number> {
  "use workflow";
  return countMessages(token, 0);
}
