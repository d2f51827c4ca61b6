/** Calls back at times of the wall clock; one host timer for all of them. */
export interface Timers {
  /** Calls `callback` once `Date.now() >= at`, never early. */
  add(at: number, callback: () => void): Timer;
  stop(): void;
}

/** One time that is watched. */
export interface Timer {
  /** The callback is not called, and nothing that it refers to is kept. Idempotent. */
  cancel(): void;
}

interface Entry {
  readonly at: number;
  callback: (() => void) | null;
}

/** The wall clock may jump (suspend, NTP), while host timers count elapsed time: look again at least this often. */
const longestMs = 10_000;

/** Cancelled entries stay in the heap until their time, or until there are more of them than this and than of the living. */
const mostCancelled = 1000;

/** A binary heap of due times and an unreferenced timer for the earliest: waiting runs do not keep a process alive. */
export function createTimers(): Timers {
  let heap: Entry[] = [];
  let cancelled = 0;
  let timer: NodeJS.Timeout | null = null;
  let armedFor = Number.POSITIVE_INFINITY;

  function arm(): void {
    const first = heap[0];
    if (!first || first.at >= armedFor) return;
    if (timer) clearTimeout(timer);
    armedFor = first.at;
    timer = setTimeout(fire, Math.max(0, Math.min(longestMs, first.at - Date.now())));
    timer.unref();
  }

  function fire(): void {
    timer = null;
    armedFor = Number.POSITIVE_INFINITY;
    const now = Date.now();
    while (heap[0] && heap[0].at <= now) {
      const callback = pop(heap)?.callback;
      if (callback) callback();
      else cancelled--;
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
      const entry: Entry = {
        at,
        callback: () => {
          entry.callback = null;
          callback();
        },
      };
      push(heap, entry);
      arm();
      return { cancel: () => cancel(entry) };
    },
    stop() {
      if (timer) clearTimeout(timer);
      timer = null;
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
