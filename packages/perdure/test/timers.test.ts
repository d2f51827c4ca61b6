import { afterEach, expect, test, vi } from "vitest";

import { createTimers, Timer } from "../src/worker/timers.ts";

class Callback extends Timer {
  readonly #call: () => void;

  constructor(at: number, call: () => void) {
    super(at);
    this.#call = call;
  }

  fire(): void {
    this.#call();
  }
}

afterEach(() => vi.useRealTimers());

test("callbacks come in the order of their times, never early, whatever the order of adding", () => {
  vi.useFakeTimers({ now: 1000 });
  const timers = createTimers();
  const seen: [number, number][] = [];
  const times = Array.from({ length: 200 }, (_, index) => 1000 + ((index * 7919) % 5000));
  for (const at of times) timers.add(new Callback(at, () => seen.push([at, Date.now()])));
  vi.advanceTimersByTime(6000);
  expect(seen.map(([at]) => at)).toEqual(times.toSorted((a, b) => a - b));
  for (const [at, now] of seen) expect(now).toBeGreaterThanOrEqual(at);
});

test("a cancelled time is not told, and thousands of them do not stay", () => {
  vi.useFakeTimers({ now: 0 });
  const timers = createTimers();
  const seen: number[] = [];
  const added = Array.from({ length: 5000 }, (_, index) => new Callback(10_000 + index, () => seen.push(index)));
  for (const timer of added) timers.add(timer);
  const unwanted = added.filter((_, index) => index % 100 !== 0);
  for (const timer of unwanted) timers.cancel(timer);
  for (const timer of unwanted) timers.cancel(timer);
  vi.advanceTimersByTime(20_000);
  expect(seen).toEqual(Array.from({ length: 50 }, (_, index) => index * 100));
});

test("a clock that jumps ahead is noticed at the next look", () => {
  vi.useFakeTimers({ now: 0 });
  const timers = createTimers();
  let firedAt = 0;
  timers.add(new Callback(3_600_000, () => (firedAt = Date.now())));
  vi.advanceTimersByTime(5000);
  timers.refresh();
  expect(firedAt).toBe(0);
  vi.setSystemTime(4_000_000);
  timers.refresh();
  expect(firedAt).toBeGreaterThanOrEqual(4_000_000);
});

test("a time is watched by the clock that is in force", () => {
  const timers = createTimers();
  const seen: string[] = [];
  timers.add(new Callback(Date.now() + 3_600_000, () => seen.push("added before")));
  vi.useFakeTimers();
  timers.refresh();
  timers.add(new Callback(Date.now() + 3_600_000, () => seen.push("added under a fake clock")));
  vi.advanceTimersByTime(3_600_000);
  expect(seen).toEqual(["added before", "added under a fake clock"]);
  timers.stop();
});

test("a clock that was set back keeps the time as it was asked for", () => {
  vi.useFakeTimers({ now: 100_000 });
  const timers = createTimers();
  let fired = false;
  timers.add(new Callback(105_000, () => (fired = true)));
  vi.setSystemTime(50_000);
  vi.advanceTimersByTime(20_000);
  expect(fired).toBe(false);
  vi.advanceTimersByTime(40_000);
  expect(fired).toBe(true);
});

test("times beyond what a host timer can count are kept", () => {
  vi.useFakeTimers({ now: 0 });
  const timers = createTimers();
  let fired = false;
  timers.add(new Callback(2 ** 31 + 5000, () => (fired = true)));
  vi.advanceTimersByTime(2 ** 31);
  expect(fired).toBe(false);
  vi.advanceTimersByTime(10_000);
  expect(fired).toBe(true);
});
