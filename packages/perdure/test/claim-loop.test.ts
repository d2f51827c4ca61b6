import { setImmediate as turn, setTimeout as delay } from "node:timers/promises";

import { afterEach, expect, test } from "vitest";

import { until } from "./support/lab.ts";
import { createClaimLoop, type ClaimLoop, type PollResult } from "../src/worker/claim-loop.ts";

const loops: ClaimLoop[] = [];

afterEach(async () => {
  for (const loop of loops.splice(0)) await loop.stop();
});

function countingLoop(answer: () => PollResult, longestIdleMs = 1000): { loop: ClaimLoop; polls: () => number } {
  let polls = 0;
  const poll = async (): Promise<PollResult> => {
    polls++;
    return answer();
  };
  const loop = createClaimLoop(poll, longestIdleMs, () => undefined);
  loops.push(loop);
  return { loop, polls: () => polls };
}

const nothing = (): PollResult => ({ more: false, isEmpty: true, nextDueAt: null });

test("hints that never cease do not put the poll off", async () => {
  const { loop, polls } = countingLoop(nothing);
  const before = polls();
  // A hint per turn of the event loop, which is far more often than a timer fires.
  const end = performance.now() + 3000;
  while (polls() < before + 3 && performance.now() < end) {
    loop.hint();
    await turn();
  }
  expect(polls()).toBeGreaterThanOrEqual(before + 3);
});

test("an idle loop polls ever more rarely, and a hint wakes it", async () => {
  const { loop, polls } = countingLoop(nothing);
  await delay(300);
  const idle = polls();
  expect(idle).toBeLessThan(10);
  loop.hint();
  await until(() => polls() > idle, "the poll");
});

test("a run that falls due is looked for at its time", async () => {
  const dueAt = Date.now() + 150;
  let found = 0;
  countingLoop(() => {
    if (Date.now() >= dueAt) found ||= Date.now();
    return { more: false, isEmpty: true, nextDueAt: Date.now() < dueAt ? dueAt : null };
  });
  await until(() => found > 0, "the poll at that time");
  expect(found).toBeGreaterThanOrEqual(dueAt);
});

test("a poll that fails is tried again", async () => {
  let failures = 2;
  const { polls } = countingLoop(() => {
    if (failures-- > 0) throw new Error("away");
    return nothing();
  }, 20);
  await until(() => polls() > 3, "further polls");
});

test("a loop that was stopped polls no more", async () => {
  const { loop, polls } = countingLoop(() => ({ more: true, isEmpty: false, nextDueAt: null }));
  await until(() => polls() > 3, "the first polls");
  await loop.stop();
  const before = polls();
  loop.hint();
  await delay(30);
  expect(polls()).toBe(before);
});

test("a look is answered by a poll that began after it, and by nobody once the loop was stopped", async () => {
  let running = 0;
  let release = (): void => undefined;
  const gate = new Promise<void>((resolve) => (release = resolve));
  const loop = createClaimLoop(
    async () => {
      const number = ++running;
      if (number === 1) await gate;
      return { more: false, isEmpty: true, nextDueAt: number };
    },
    1000,
    () => undefined,
  );
  loops.push(loop);
  await until(() => running === 1, "the first poll");
  const look = loop.look();
  release();
  expect((await look)?.nextDueAt).toBe(2);
  await loop.stop();
  expect(await loop.look()).toBe(null);
});
