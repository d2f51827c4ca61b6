import { createHook, sleep } from "perdure";

/** Sleeps for long enough. */
export async function anHour(n: number): Promise<number> {
  "use workflow";
  await sleep("1h");
  return n;
}

/** Waits to be told a number. */
export async function untilTold(token: string): Promise<number> {
  "use workflow";
  const { n } = await createHook<{ n: number }>({ token });
  return n;
}
