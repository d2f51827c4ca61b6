/** Steps of the recorded programs. */
import { FatalError, getStepMetadata, getWritable, heartbeat, type RequestWithResponse, RetryableError } from "perdure";

/** What open steps were given, by the id of the call: a replay must come to the same. */
export const given = new Map<string, unknown[]>();

export async function echo<T>(value: T): Promise<T> {
  "use step";
  return value;
}

/** Succeeds in its third attempt. */
export async function flaky(name: string) {
  "use step";
  const { attempt } = getStepMetadata();
  if (attempt < 3) throw new RetryableError(`${name} is busy`, { retryAfter: 5 });
  return `${name} in attempt ${attempt}`;
}

export async function refuse(reason: string): Promise<never> {
  "use step";
  throw new FatalError(reason, { cause: new RangeError("out of range", { cause: { code: 7 } }) });
}

/** Goes on until it is told to end. */
export async function hang(...args: unknown[]): Promise<never> {
  "use step";
  const { signal, stepId } = getStepMetadata();
  given.set(stepId, args);
  await new Promise((resolve) => signal.addEventListener("abort", resolve));
  throw signal.reason;
}

/** Reports, and goes on until it is told to end. */
export async function count(upTo: number): Promise<never> {
  "use step";
  heartbeat({ done: upTo - 1 });
  return hangOn(upTo);
}

async function hangOn(upTo: number): Promise<never> {
  const { signal, stepId } = getStepMetadata();
  given.set(stepId, [upTo]);
  await new Promise((resolve) => signal.addEventListener("abort", resolve));
  throw signal.reason;
}

/** Fails, and is tried again in a year. */
export async function later(...args: unknown[]): Promise<never> {
  "use step";
  given.set(getStepMetadata().stepId, args);
  throw new RetryableError("not today", { retryAfter: 365 * 24 * 60 * 60 * 1000 });
}

/** Ends when its argument is aborted. */
export async function listen(signal: AbortSignal) {
  "use step";
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve));
  return String(signal.reason);
}

export async function write(lines: string[]) {
  "use step";
  const writer = getWritable<string>().getWriter();
  for (const line of lines) await writer.write(line);
  await writer.close();
}

export async function answer(request: RequestWithResponse, text: string) {
  "use step";
  await request.respondWith(new Response(text));
}
