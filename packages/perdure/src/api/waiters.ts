import type { RunRecord, World } from "@perdure/world";

import type { EndedRun } from "../worker/core.ts";
import { clearTimeout, setImmediate, setTimeout } from "../host-timers.ts";
import { createHold } from "../worker/hold.ts";

/** Awaits the ends of runs: told by this process's worker, by the World's hints, and by one poll for all that are awaited. */
export interface Waiters {
  /** Where the runs are. */
  readonly world: World;
  /** Resolves when the run has ended. Keeps the process alive meanwhile. */
  wait(runId: string): Promise<EndedRun>;
  /** A run has ended. */
  ended(run: EndedRun): void;
  /** Rejects everyone with `reason`. */
  stop(reason: Error): void;
}

interface Waiter {
  readonly resolve: (ended: EndedRun) => void;
  readonly reject: (error: Error) => void;
}

const firstPollMs = 25;
const longestPollMs = 1000;

/** @param isLocal true for runs in the memory of this process's worker, whose end it will tell */
export function createWaiters(world: World, isLocal: (runId: string) => boolean): Waiters {
  const waiting = new Map<string, Waiter[]>();
  const hold = createHold();
  let timer: NodeJS.Timeout | null = null;
  let pollMs = firstPollMs;

  function take(runId: string): Waiter[] {
    const waiters = waiting.get(runId) ?? [];
    if (waiting.delete(runId)) hold.release();
    return waiters;
  }

  function ended(run: EndedRun): void {
    for (const waiter of take(run.runId)) waiter.resolve(run);
  }

  async function look(runIds: readonly string[]): Promise<void> {
    for (const run of await world.query.runsById(runIds)) {
      const end = endOf(run);
      if (end) ended(end);
    }
  }

  async function poll(): Promise<void> {
    timer = null;
    // This process tells the ends of its own runs, unless somebody else ended one: rarely enough to look once a second only.
    const doubtful = [...waiting.keys()].filter((runId) => pollMs >= longestPollMs || !isLocal(runId));
    try {
      if (doubtful.length > 0) await look(doubtful);
      pollMs = Math.min(longestPollMs, pollMs * 1.5);
    } catch (error) {
      process.emitWarning(`Looking for ended runs failed and will be tried again: ${String(error)}`, "PerdureWarning");
      pollMs = longestPollMs;
    }
    if (waiting.size > 0) schedule();
  }

  function schedule(): void {
    timer ??= setTimeout(() => void poll(), pollMs);
  }

  /** Runs of which the World has hinted that they ended. */
  let hinted = new Set<string>();
  let looking = false;

  async function lookAtHinted(): Promise<void> {
    try {
      // Those that this process ended itself are told with the World's answer to their last commit, in the same turn of the event loop as the hint.
      for (await turn(); hinted.size > 0; await turn()) {
        const runIds = [...hinted].filter((runId) => waiting.has(runId));
        hinted = new Set();
        if (runIds.length > 0) await look(runIds);
      }
    } catch {
      schedule();
    } finally {
      looking = false;
    }
  }

  const unwatch = world.watch((hint) => {
    if (hint.kind !== "ended" || !waiting.has(hint.runId)) return;
    hinted.add(hint.runId);
    if (looking) return;
    looking = true;
    void lookAtHinted();
  });

  return {
    world,
    ended,
    wait(runId) {
      return new Promise((resolve, reject) => {
        const waiters = waiting.get(runId);
        if (waiters) waiters.push({ resolve, reject });
        else {
          waiting.set(runId, [{ resolve, reject }]);
          hold.acquire();
        }
        pollMs = firstPollMs;
        schedule();
      });
    },
    stop(reason) {
      unwatch();
      if (timer) clearTimeout(timer);
      for (const runId of waiting.keys()) for (const waiter of take(runId)) waiter.reject(reason);
    },
  };
}

function turn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}

/** Null while the run is open. */
export function endOf(run: RunRecord): EndedRun | null {
  if (run.status === "running") return null;
  return { runId: run.id, status: run.status, output: run.output ?? new Uint8Array(), successor: run.successor };
}
