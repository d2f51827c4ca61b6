/**
 * Calls back at times of the wall clock; one timer for all of them. It is the global one of the moment: where a test has put fake timers in its
 * place, moving their clock moves what runs wait for.
 */
export interface Timers {
  /** Calls `callback` once `Date.now() >= at`, never early, with what `add` returned. */
  add(at: number, callback: (timer: Timer) => void): Timer;
  /**
   * Looks at the clock now. To be called every second or so: the wall clock may jump (suspend, NTP) while host timers count elapsed time, and another
   * one may be in force.
   */
  refresh(): void;
  stop(): void;
}

/** One time that is watched. */
export interface Timer {
  /** The callback is not called, and nothing that it refers to is kept. Idempotent. */
  cancel(): void;
}

interface Armed {
  /** The `setTimeout` that it came from. */
  readonly by: typeof setTimeout;
  readonly cancel: () => void;
}

/** (One object and one function for each, no closures: a waiting run keeps them.) */
class Entry implements Timer {
  readonly at: number;
  callback: ((timer: Timer) => void) | null;
  readonly #cancel: (entry: Entry) => void;

  constructor(at: number, callback: (timer: Timer) => void, cancel: (entry: Entry) => void) {
    this.at = at;
    this.callback = callback;
    this.#cancel = cancel;
  }

  cancel(): void {
    this.#cancel(this);
  }
}

/** The most that a host timer takes. */
const longestMs = 2 ** 31 - 1;

/** Cancelled entries stay in the heap until their time, or until there are more of them than this and than of the living. */
const mostCancelled = 1000;

/** A binary heap of due times and an unreferenced timer for the earliest: waiting runs do not keep a process alive. */
export function createTimers(): Timers {
  let heap: Entry[] = [];
  let cancelled = 0;
  let armed: Armed | null = null;
  let armedFor = Number.POSITIVE_INFINITY;

  function arm(): void {
    const first = heap[0];
    if (!first || (first.at >= armedFor && armed?.by === globalThis.setTimeout)) return;
    if (armedFor === Number.NEGATIVE_INFINITY) return;
    disarm();
    armedFor = first.at;
    const { setTimeout, clearTimeout } = globalThis;
    const timer = setTimeout(fire, Math.max(0, Math.min(longestMs, first.at - Date.now())));
    timer.unref();
    armed = { by: setTimeout, cancel: () => clearTimeout(timer) };
  }

  function disarm(): void {
    armed?.cancel();
    armed = null;
    if (armedFor !== Number.NEGATIVE_INFINITY) armedFor = Number.POSITIVE_INFINITY;
  }

  function fire(): void {
    disarm();
    const now = Date.now();
    while (heap[0] && heap[0].at <= now) {
      const entry = pop(heap);
      const callback = entry?.callback;
      if (!callback) {
        cancelled--;
        continue;
      }
      entry.callback = null;
      callback(entry);
    }
    arm();
  }

  function cancel(entry: Entry): void {
    if (!entry.callback) return;
    entry.callback = null;
    cancelled++;
    if (cancelled <= mostCancelled || cancelled <= heap.length / 2) return;
    const living = heap.filter(({ callback }) => callback);
    heap = [];
    cancelled = 0;
    for (const one of living) push(heap, one);
  }

  return {
    add(at, callback) {
      const entry = new Entry(at, callback, cancel);
      push(heap, entry);
      arm();
      return entry;
    },
    refresh() {
      if (heap[0] && heap[0].at <= Date.now()) fire();
      else arm();
    },
    stop() {
      disarm();
      heap = [];
      armedFor = Number.NEGATIVE_INFINITY;
    },
  };
}

function push(heap: Entry[], entry: Entry): void {
  let index = heap.length;
  heap.push(entry);
  while (index > 0) {
    const parent = (index - 1) >> 1;
    const above = heap[parent];
    if (!above || above.at <= entry.at) break;
    heap[index] = above;
    index = parent;
  }
  heap[index] = entry;
}

function pop(heap: Entry[]): Entry | undefined {
  const first = heap[0];
  const last = heap.pop();
  if (!last || heap.length === 0) return first;
  let index = 0;
  for (;;) {
    const child = smallerChild(heap, index);
    const below = heap[child];
    if (!below || below.at >= last.at) break;
    heap[index] = below;
    index = child;
  }
  heap[index] = last;
  return first;
}

function smallerChild(heap: readonly Entry[], index: number): number {
  const left = 2 * index + 1;
  const right = left + 1;
  return (heap[right]?.at ?? Number.POSITIVE_INFINITY) < (heap[left]?.at ?? Number.POSITIVE_INFINITY) ? right : left;
}
