import type { Hint, Unwatch } from "./contract.ts";

/** The listeners of {@link World.watch}, for Worlds whose writers and watchers share a process. */
export interface Hints {
  watch(listener: (hint: Hint) => void): Unwatch;
  /** Some run may be claimable, or a message may wait. */
  due(): void;
  /** A run has reached a terminal status. */
  ended(runId: string): void;
  /** A run has published state. */
  state(runId: string): void;
  /** A stream of a run has grown, or ended. */
  stream(runId: string): void;
}

/**
 * Creates an empty set of listeners. Hints are delivered in a microtask of their own, after the write that caused them;
 * equal hints of one microtask are delivered as one.
 */
export function createHints(): Hints {
  const listeners = new Set<(hint: Hint) => void>();
  const ended = new Set<string>();
  const state = new Set<string>();
  const stream = new Set<string>();
  let due = false;
  let scheduled = false;

  function flush(): void {
    scheduled = false;
    const hints: Hint[] = [...state].map((runId) => ({ kind: "state", runId }));
    for (const runId of stream) hints.push({ kind: "stream", runId });
    for (const runId of ended) hints.push({ kind: "ended", runId });
    state.clear();
    stream.clear();
    ended.clear();
    if (due) hints.push({ kind: "due" });
    due = false;
    for (const listener of listeners) for (const hint of hints) listener(hint);
  }

  function schedule(): void {
    if (scheduled || listeners.size === 0) return;
    scheduled = true;
    queueMicrotask(flush);
  }

  return {
    watch(listener) {
      // A wrapper of its own, so that the same function may watch twice.
      const own = (hint: Hint): void => listener(hint);
      listeners.add(own);
      return () => void listeners.delete(own);
    },
    due() {
      due = listeners.size > 0;
      schedule();
    },
    ended(runId) {
      if (listeners.size > 0) ended.add(runId);
      schedule();
    },
    state(runId) {
      if (listeners.size > 0) state.add(runId);
      schedule();
    },
    stream(runId) {
      if (listeners.size > 0) stream.add(runId);
      schedule();
    },
  };
}
