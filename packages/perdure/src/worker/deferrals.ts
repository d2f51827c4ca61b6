import { clearTimeout, setTimeout } from "../host-timers.ts";
import type { Resident } from "./resident.ts";

/** Runs whose first row is still to be written. */
export interface Deferrals {
  add(resident: Resident): void;
  stop(): void;
}

/** So long a first row waits for another one at most, that people may see what a run with a long first step does, ms. */
const longestMs = 1000;

/** @param write commits the rows of runs that have waited for long enough */
export function createDeferrals(write: (residents: readonly Resident[]) => void): Deferrals {
  let waiting: Resident[] = [];
  let timer: NodeJS.Timeout | null = null;
  const flush = (): void => {
    timer = null;
    const due = waiting.filter(({ deferred, mode }) => deferred !== null && mode === "idle");
    waiting = [];
    if (due.length > 0) write(due);
  };
  return {
    add(resident) {
      waiting.push(resident);
      timer ??= setTimeout(flush, longestMs).unref();
    },
    stop() {
      if (timer) clearTimeout(timer);
      waiting = [];
    },
  };
}
