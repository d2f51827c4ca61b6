import { createHook } from "perdure";
import { start } from "perdure/api";

async function noOp(index: number): Promise<number> {
  "use step";
  return index + 1;
}

/** Calls a step, again and again; returns how often. */
export async function count(steps: number): Promise<number> {
  "use workflow";
  let done = 0;
  while (done < steps) done = await noOp(done);
  return done;
}

/** One of two runs that want the same child and the same token: both get the child's result, one gets the token. */
export async function rival(pair: string): Promise<{ readonly child: string; readonly result: number; readonly hasToken: boolean }> {
  "use workflow";
  const child = await start(count, [3], { id: `child ${pair}` });
  await noOp(0);
  let hasToken = true;
  try {
    await createHook<string>({ token: `token ${pair}` });
  } catch {
    hasToken = false;
  }
  return { child: child.runId, result: await child.returnValue, hasToken };
}
