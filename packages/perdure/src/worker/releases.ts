import type { Release, World } from "@perdure/world";

import type { Observation } from "./observe/observation.ts";

/** Leases to give back. What the World does not take now is offered again with the next poll: a run must not stay with a worker that dropped it. */
export interface Releases {
  add(release: Release): void;
  /** Offers all that is left. Never rejects. */
  flush(): Promise<void>;
}

export function createReleases(world: World, worker: string, observation: Observation): Releases {
  let waiting: Release[] = [];
  async function flush(): Promise<void> {
    if (waiting.length === 0) return;
    const offered = waiting;
    waiting = [];
    try {
      await world.release(worker, offered);
    } catch (error) {
      waiting = [...offered, ...waiting];
      observation.warn(`Giving back ${offered.length} runs failed and will be tried again: ${String(error)}`);
    }
  }
  return {
    add(release) {
      waiting.push(release);
      if (waiting.length === 1) queueMicrotask(() => void flush());
    },
    flush,
  };
}
