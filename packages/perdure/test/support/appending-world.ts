/** Worlds for tests that look at what is asked of one, or get in the way. */
import type { StreamAppend, StreamAppended, World } from "@perdure/world";
import { createMemoryWorld } from "@perdure/world/memory";

/** A memory World whose appends can be held up, fail, or lose their answers. */
export interface AppendingWorld {
  readonly world: World;
  /** All calls of `streams.append` so far. */
  readonly calls: (readonly StreamAppend[])[];
  /** From now on calls wait; the returned function lets them, and all later ones, go on. */
  hold(): () => void;
  /** What becomes of the next calls, one after another; then all pass. */
  next(...fates: Fate[]): void;
}

/** `lose`: the appends are made and the answer is an error. */
export type Fate = "pass" | "fail" | "lose";

export function appendingWorld(inner: World = createMemoryWorld()): AppendingWorld {
  const calls: (readonly StreamAppend[])[] = [];
  const fates: Fate[] = [];
  let gate: Promise<void> = Promise.resolve();

  async function append(appends: readonly StreamAppend[]): Promise<StreamAppended[]> {
    calls.push(appends);
    const fate = fates.shift() ?? "pass";
    await gate;
    if (fate === "fail") throw new Error("The World is away.");
    const results = await inner.streams.append(appends);
    if (fate === "lose") throw new Error("The answer was lost.");
    return results;
  }

  return {
    world: { ...inner, streams: { ...inner.streams, append } },
    calls,
    hold() {
      let open = (): void => undefined;
      gate = new Promise((resolve) => (open = resolve));
      return () => open();
    },
    next: (...given) => void fates.push(...given),
  };
}

/** All that a stream gives. */
export async function all<T>(stream: ReadableStream<T>): Promise<T[]> {
  const values: T[] = [];
  for await (const value of stream) values.push(value);
  return values;
}
