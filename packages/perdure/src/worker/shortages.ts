import { monotonicNow } from "../host-timers.ts";

/** What runs need and this process does not have: the code of a version, a step. They come back for it at ever longer intervals, all that need the same together. */
export interface Shortages {
  of(what: string): Shortage;
}

interface Shortage {
  /** When a run is to be tried again; ms since the epoch. */
  readonly dueAt: number;
  /** Whether this is the first run since the last interval was over. */
  readonly isFirst: boolean;
}

const longestMs = 60_000;
/** Of what was lacking before, not much is kept. */
const mostKnown = 1000;

interface Interval {
  readonly lengthMs: number;
  /** By the monotonic clock. */
  readonly until: number;
}

/** @param firstMs the first interval; each is twice as long as the one before, up to a minute  @param monotonic a clock */
export function createShortages(firstMs: number, monotonic: () => number = monotonicNow): Shortages {
  const intervals = new Map<string, Interval>();

  function begin(what: string, lengthMs: number, now: number): Interval {
    const interval = { lengthMs, until: now + lengthMs };
    intervals.delete(what);
    intervals.set(what, interval);
    if (intervals.size > mostKnown) for (const oldest of [...intervals.keys()].slice(0, mostKnown / 2)) intervals.delete(oldest);
    return interval;
  }

  return {
    of(what) {
      const now = monotonic();
      const known = intervals.get(what);
      const isFirst = !known || known.until <= now;
      // What nobody has asked for since long was there meanwhile.
      const isForgotten = !known || known.until + 2 * longestMs < now;
      const interval = !isFirst ? known : begin(what, isForgotten ? firstMs : Math.min(longestMs, 2 * known.lengthMs), now);
      const spreadMs = (interval.lengthMs / 4) * Math.random();
      return { dueAt: Math.ceil(Date.now() + (interval.until - now) + spreadMs), isFirst };
    },
  };
}
