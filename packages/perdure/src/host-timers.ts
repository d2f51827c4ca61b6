/**
 * The process's own timers and monotonic clock, as they are when this module is loaded. A test that replaces the global ones (fake timers) means to
 * move the times for which runs wait, see `worker/timers.ts`, and not to stop what keeps runs going.
 */
export const { setTimeout, clearTimeout, setInterval, clearInterval, setImmediate } = globalThis;

/** Milliseconds since some moment; never goes back. */
export const monotonicNow: () => number = performance.now.bind(performance);
