import type { Hint, World } from "@perdure/world";

/** A process's connection to its World, which can be cut. */
export interface Severable {
  readonly world: World;
  /** From now on no call gets through and no answer or hint comes back, as if the process had ended: promises stay as they are. */
  sever(): void;
  /** Resolves when the calls that got through before have ended. */
  idle(): Promise<void>;
}

export function severable(world: World): Severable {
  let isSevered = false;
  const open = new Set<Promise<unknown>>();
  const never = new Promise<never>(() => undefined);

  function guard<A extends never[], R>(call: (...args: A) => Promise<R>): (...args: A) => Promise<R> {
    return async (...args) => {
      if (isSevered) return never;
      const answer = call(...args);
      open.add(answer);
      try {
        return await answer;
      } finally {
        open.delete(answer);
        // oxlint-disable-next-line no-unsafe-finally -- nobody is there to hear it
        if (isSevered) await never;
      }
    };
  }

  function guardAll<T extends object>(part: T): T {
    const guarded = Object.entries(part).map(([name, value]: [string, unknown]) =>
      typeof value === "function" && !unguarded.has(name) ? [name, guard(value.bind(part) as () => Promise<unknown>)] : [name, value],
    );
    return Object.fromEntries(guarded) as T;
  }

  return {
    world: {
      ...guardAll(world),
      streams: guardAll(world.streams),
      code: guardAll(world.code),
      query: guardAll(world.query),
      // A process that has ended does not say so.
      retire: async (worker) => (isSevered ? undefined : world.retire(worker)),
      watch: (listener) => world.watch((hint: Hint) => (isSevered ? undefined : listener(hint))),
    },
    sever: () => void (isSevered = true),
    async idle() {
      await Promise.allSettled(open);
    },
  };
}

const unguarded = new Set(["watch", "retire"]);
