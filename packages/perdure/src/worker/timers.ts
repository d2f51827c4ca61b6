/**
 * Calls back at times of the wall clock; one timer for all of them. It is the global one of the moment: where a test has put fake timers in its
 * place, moving their clock moves what runs wait for.
 */
export interface Timers {
  /** Fires it once `Date.now() >= timer.at`, never early. A timer is added once. */
  add(timer: Timer): void;
  /** It does not fire, and is not kept for long. Idempotent. */
  cancel(timer: Timer): void;
  /**
   * Looks at the clock now. To be called every second or so: the wall clock may jump (suspend, NTP) while host timers count elapsed time, and another
   * one may be in force.
   */
  refresh(): void;
  stop(): void;
}

/** A time that is watched, and what is to happen then. (A class to be extended and no callback: a run that waits keeps one object.) */
export abstract class Timer {
  /** ms since the epoch. */
  readonly at: number;
  /** False before it is added, and once it has fired or was cancelled. */
  isSet = false;

  constructor(at: number) {
    this.at = at;
  }

  abstract fire(): void;
}

interface Armed {
  /** The `setTimeout` that it came from. */
  readonly by: typeof setTimeout;
  readonly cancel: () => void;
}

/** The most that a host timer takes. */
const longestMs = 2 ** 31 - 1;

/** Cancelled ones stay in the heap until their time, or until there are more of them than this and than of the living. */
const mostCancelled = 1000;

/** A binary heap of due times and an unreferenced timer for the earliest: waiting runs do not keep a process alive. */
export function createTimers(): Timers {
  let heap: Timer[] = [];
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
      const timer = pop(heap);
      if (timer?.isSet) {
        timer.isSet = false;
        timer.fire();
      } else cancelled--;
    }
    arm();
  }

  function cancel(timer: Timer): void {
    if (!timer.isSet) return;
    timer.isSet = false;
    cancelled++;
    if (cancelled <= mostCancelled || cancelled <= heap.length / 2) return;
    const living = heap.filter(({ isSet }) => isSet);
    heap = [];
    cancelled = 0;
    for (const one of living) push(heap, one);
  }

  return {
    add(timer) {
      timer.isSet = true;
      push(heap, timer);
      arm();
    },
    cancel,
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

function push(heap: Timer[], timer: Timer): void {
  let index = heap.length;
  heap.push(timer);
  while (index > 0) {
    const parent = (index - 1) >> 1;
    const above = heap[parent];
    if (!above || above.at <= timer.at) break;
    heap[index] = above;
    index = parent;
  }
  heap[index] = timer;
}

function pop(heap: Timer[]): Timer | undefined {
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

function smallerChild(heap: readonly Timer[], index: number): number {
  const left = 2 * index + 1;
  const right = left + 1;
  return (heap[right]?.at ?? Number.POSITIVE_INFINITY) < (heap[left]?.at ?? Number.POSITIVE_INFINITY) ? right : left;
}
