import type { World } from "@perdure/world";

/** Wakes readers of streams by the World's hints: one watcher for all readers of a World. */
export interface Wakes {
  /** Calls `wake` once the run's streams may have grown or ended; returns what ends that. */
  add(runId: string, wake: () => void): () => void;
}

const wakesByWorld = new WeakMap<World, Wakes>();

export function wakesOf(world: World): Wakes {
  let wakes = wakesByWorld.get(world);
  if (!wakes) wakesByWorld.set(world, (wakes = createWakes(world)));
  return wakes;
}

function createWakes(world: World): Wakes {
  const waiting = new Map<string, Set<() => void>>();
  let unwatch: (() => void) | null = null;

  function watch(): void {
    unwatch ??= world.watch((hint) => {
      if (hint.kind !== "stream" && hint.kind !== "ended") return;
      for (const wake of waiting.get(hint.runId) ?? []) wake();
    });
  }

  return {
    add(runId, wake) {
      // A function of its own, so that nobody takes away another's.
      const own = (): void => wake();
      const wakes = waiting.get(runId) ?? new Set();
      waiting.set(runId, wakes.add(own));
      watch();
      return () => {
        wakes.delete(own);
        if (wakes.size === 0 && waiting.get(runId) === wakes) waiting.delete(runId);
        if (waiting.size > 0) return;
        unwatch?.();
        unwatch = null;
      };
    },
  };
}
