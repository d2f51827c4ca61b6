import type { World } from "@perdure/world";

/** What a replay took: from the moment when the World gave the run to the worker until the worker commits the next event. */
export interface ReplayTime {
  readonly totalMs: number;
  /** Of it, reading the history from the World. */
  readonly loadMs: number;
  /** CPU time of the process meanwhile, all its threads together: what is left of a measurement on a machine that is busy with other things. */
  readonly cpuMs: number;
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
  let watched = { runId: "", claimedAt: 0, cpu: process.cpuUsage(), loadMs: 0, done: (_time: ReplayTime): void => undefined };
  return {
    next: (runId) => new Promise((resolve) => (watched = { runId, claimedAt: 0, cpu: process.cpuUsage(), loadMs: 0, done: resolve })),
    world: {
      ...world,
      async claim(request) {
        const claimed = await world.claim(request);
        if (claimed.runs.some(({ run }) => run.id === watched.runId)) {
          watched.claimedAt = performance.now();
          watched.cpu = process.cpuUsage();
        }
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
          const { claimedAt, cpu, loadMs, done } = watched;
          watched.claimedAt = 0;
          const { user, system } = process.cpuUsage(cpu);
          done({ totalMs: performance.now() - claimedAt, loadMs, cpuMs: (user + system) / 1000 });
        }
        return world.commit(commits);
      },
    },
  };
}
