/**
 * The signals by which a process is asked to end. There is one listener for all workers of the process, there while one of them wants it. The order: stop every worker, give
 * its runs back, then let the signal do what it would have done without us, unless somebody else listens to it: then the end of the process is theirs.
 */
import { isMainThread } from "node:worker_threads";

import { setTimeout } from "../host-timers.ts";
import { createHold } from "./hold.ts";

const numbers = { SIGTERM: 15, SIGINT: 2 } as const;
type Signal = keyof typeof numbers;
const signals = Object.keys(numbers) as Signal[];

export interface Signals {
  /** Calls `stop` at a signal, until the returned function is called. */
  stopBy(stop: () => Promise<void>): () => void;
}

export function createSignals(): Signals {
  const stops = new Set<() => Promise<void>>();
  let isEnding = false;

  function listen(): void {
    // First in the line, so that listeners that are called only once are still there to be counted.
    for (const signal of signals) process.prependListener(signal, onSignal);
  }

  function unlisten(): void {
    for (const signal of signals) process.removeListener(signal, onSignal);
  }

  function onSignal(name: NodeJS.Signals): void {
    if (isEnding) return;
    const signal = name as Signal;
    isEnding = true;
    const isOurs = process.listenerCount(signal) === 1;
    const hold = createHold();
    hold.acquire();
    void Promise.allSettled(Array.from(stops, (stop) => stop())).then(() => {
      hold.release();
      isEnding = false;
      unlisten();
      if (isOurs) endBy(signal);
      else if (stops.size > 0) listen();
    });
  }

  return {
    stopBy(stop) {
      // Threads get no signals.
      if (!isMainThread) return () => undefined;
      if (stops.size === 0 && !isEnding) listen();
      stops.add(stop);
      return () => {
        if (stops.delete(stop) && stops.size === 0 && !isEnding) unlisten();
      };
    },
  };
}

/** Ends the process by the signal itself, so that its parent sees which. The first process of a container is immune to it and has to end on its own. */
function endBy(signal: Signal): void {
  process.kill(process.pid, signal);
  setTimeout(() => process.exit(128 + numbers[signal]), 100);
}
