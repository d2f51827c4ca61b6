import type { World } from "@perdure/world";

/** What a replay took: from the moment when the World gave the run to the worker until the worker commits the next event. */
export interface ReplayTime {
  readonly totalMs: number;
  /** Of it, reading the history from the World. */
  readonly loadMs: number;
}

/** Watches one run at a time. */
export interface Stopwatch {
  /** The World to use instead. */
  readonly world: World;
  /** Resolves when the run has been claimed, replayed, and has got on. */
  next(runId: string): Promise<ReplayTime>;
}

/** Looks at the clock as a worker calls a World. */
export function createStopwatch(world: World): Stopwatch {
  let watched = { runId: "", claimedAt: 0, loadMs: 0, done: (_time: ReplayTime): void => undefined };
  return {
    next: (runId) => new Promise((resolve) => (watched = { runId, claimedAt: 0, loadMs: 0, done: resolve })),
    world: {
      ...world,
      async claim(request) {
        const claimed = await world.claim(request);
        if (claimed.runs.some(({ run }) => run.id === watched.runId)) watched.claimedAt = performance.now();
        return claimed;
      },
      async load(runId, options) {
        const start = performance.now();
        const page = await world.load(runId, options);
        if (runId === watched.runId) watched.loadMs += performance.now() - start;
        return page;
      },
      commit(commits) {
        if (watched.claimedAt > 0 && commits.some(({ runId }) => runId === watched.runId)) {
          const { claimedAt, loadMs, done } = watched;
          watched.claimedAt = 0;
          done({ totalMs: performance.now() - claimedAt, loadMs });
        }
        return world.commit(commits);
      },
    },
  };
}
