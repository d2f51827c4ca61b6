import { resumeHook, start } from "perdure/api";
import { startWorker } from "perdure/worker";
import { afterEach, expect, test, vi } from "vitest";
import { chance, remind } from "../src/order.ts";

const threeDays = 3 * 24 * 60 * 60 * 1000;

afterEach(() => vi.useRealTimers());

test("fake timers move sleeps", async () => {
  vi.useFakeTimers({ now: 1_800_000_000_000 });
  const run = await start(remind, ["abc"]);
  await vi.waitFor(async () => expect(await run.note).toContain("sleeps until"), { timeout: 5000 });
  await vi.advanceTimersByTimeAsync(threeDays);
  const { before, after, text } = await run.returnValue;
  expect(before - 1_800_000_000_000).toBeLessThan(60_000);
  expect(after - before - threeDays).toBeLessThan(60_000);
  expect(after - before).toBeGreaterThanOrEqual(threeDays);
  expect(text).toBe("abc shipped");
});

test("a clock that is set moves sleeps", async () => {
  const run = await start(remind, ["abc"]);
  await vi.waitFor(async () => expect(await run.note).toContain("sleeps until"), { timeout: 5000 });
  vi.setSystemTime(Date.now() + threeDays + 1);
  const { before, after } = await run.returnValue;
  expect(after - before).toBeGreaterThanOrEqual(threeDays);
});

test("time, chance and ids are the run's, the same on a replay", async () => {
  const random = Math.random;
  const log = vi.spyOn(console, "log").mockReturnValue();
  const run = await start(chance, []);
  await vi.waitFor(async () => expect(await run.note).toContain("hook go-on"), { timeout: 5000 });
  const worker = await startWorker(); // the one before gives its runs back; this one replays them
  await resumeHook("go-on", "word");
  const [first, word, second] = (await run.returnValue) as [unknown[], string, unknown[]];
  expect(word).toBe("word");
  expect(second[0]).not.toBe(first[0]);
  expect(second[1]).not.toBe(first[1]);
  expect(first[4]).toBe(0);
  expect(log.mock.calls).toEqual([["waiting for go-on"]]);
  expect(Math.random).toBe(random);
  await worker.stop();
});
