/** The load: one workflow for each way in which a run can wait. What they must do is written down a second time in `models.ts`. */
import { setTimeout as pause } from "node:timers/promises";
import { createHook, FatalError, getStepMetadata, RetryableError, sleep } from "perdure";

import type { Append } from "./ledger.ts";

let append: Append = async () => {
  throw new Error("The ledger is not open.");
};

/** Where the steps of this process leave their traces. */
export function useLedger(ledger: Append): void {
  append = ledger;
}

/** Writes to the ledger that the attempt begins; returns which one it is. */
export async function begin(): Promise<number> {
  const { stepId: step, attempt } = getStepMetadata();
  await append({ kind: "attempt", step, attempt });
  return attempt;
}

/** Writes to the ledger that the effect has happened. */
export async function finish<T>(value: T): Promise<T> {
  const { stepId: step, attempt } = getStepMetadata();
  await append({ kind: "effect", step, attempt });
  return value;
}

export async function add(a: number, b: number): Promise<number> {
  "use step";
  await begin();
  await pause((a + b) % 4);
  return finish(a + b);
}

export async function square(a: number): Promise<number> {
  "use step";
  await begin();
  await pause(a % 9);
  return finish(a * a);
}

/** Succeeds with its third attempt; says when to try again. */
export async function unreliable(n: number): Promise<number> {
  "use step";
  if ((await begin()) < 3) throw new RetryableError("not yet", { retryAfter: 5 + (n % 30) });
  return finish(n + 100);
}

/** Succeeds with its second attempt; leaves the delay to the runtime. */
export async function stubborn(n: number): Promise<number> {
  "use step";
  if ((await begin()) < 2) throw new Error("not at once");
  return finish(n + 200);
}

export async function doomed(n: number): Promise<never> {
  "use step";
  await begin();
  await finish(n);
  throw new FatalError(`never ${n}`);
}

export async function linger(n: number): Promise<string> {
  "use step";
  await begin();
  await pause(5 + (n % 20));
  return finish("step");
}

export async function chain(n: number): Promise<number> {
  "use workflow";
  let total = n;
  for (let index = 1; index <= 8; index++) total = await add(total, index);
  return total;
}

export async function fanOut(n: number): Promise<number> {
  "use workflow";
  const squares = await Promise.all(Array.from({ length: 10 }, (_, index) => square(n + index)));
  return add(
    squares.reduce((sum, value) => sum + value, 0),
    n,
  );
}

export async function naps(n: number): Promise<number> {
  "use workflow";
  let total = await add(n, 1);
  await sleep(10 + (n % 40));
  total = await add(total, 2);
  await sleep(20 + (n % 30));
  return add(total, 3);
}

export async function approval(n: number, token: string): Promise<number> {
  "use workflow";
  const hook = createHook<{ amount: number }>({ token });
  const first = await hook;
  const total = await add(n, first.amount);
  const second = await hook;
  hook.dispose();
  return add(total, second.amount);
}

export async function retries(n: number): Promise<[number, string, number]> {
  "use workflow";
  const late = await unreliable(n);
  let caught = "nothing";
  try {
    await doomed(n);
  } catch (error) {
    caught = (error as Error).message;
  }
  return [late, caught, n % 3 === 0 ? await stubborn(n) : 0];
}

export async function nested(n: number): Promise<number> {
  "use workflow";
  const base = 2 * n;
  async function left(x: number): Promise<number> {
    "use step";
    await begin();
    await pause(x);
    return finish(base + x);
  }
  async function right(x: number): Promise<number> {
    "use step";
    await begin();
    return finish(base - x);
  }
  let total = 0;
  for (let index = 0; index < 3; index++) {
    const [more, less] = await Promise.all([left(index), right(index)]);
    total += more * less;
  }
  return total;
}

export async function branches(n: number): Promise<number[]> {
  "use workflow";
  const branch = async (index: number): Promise<number> => {
    const sum = await add(n, index);
    await sleep(5 + 7 * index);
    return square(sum);
  };
  return Promise.all([branch(1), branch(2), branch(3)]);
}

export async function race(n: number): Promise<[string, number]> {
  "use workflow";
  const winner = await Promise.race([linger(n), sleep(15).then(() => "wait")]);
  return [winner, await add(n, 1)];
}
