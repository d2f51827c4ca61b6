// One variant in a process of its own, started with --expose-gc by ../memory.ts: `child.ts {"variant", "runs", "census"}`.
import { getRun, resumeHook, start } from "perdure/api";
import { setWorld } from "perdure/runtime";
import { startWorker } from "perdure/worker";
import type { RunRecord, World } from "@perdure/world";

import { arrive, attemptsUnderWay, awaitHook, awaitStep, awaitTime, plain, type Order } from "../workflows/waiting.ts";
import { openBenchWorld } from "../worlds/index.ts";
import { measureHeld, type Held } from "./heap.ts";
import { growthOf, takeCensus } from "./snapshot.ts";
import type { ChildRequest, ChildResult } from "./variants.ts";

const request = JSON.parse(process.argv[2] ?? "{}") as ChildRequest;

const orderOf = (index: number): Order => ({
  id: `order-${index}`,
  customer: `customer-${index % 1000}`,
  items: [{ sku: `sku-${index % 100}`, count: 1 + (index % 5) }],
});

/** So many runs are there before the first reading, so that compiled code and tables of the first ones do not count. */
const warmUps = 2000;
const batch = 1000;

const workflows = { hook: awaitHook, time: awaitTime, step: awaitStep, evictedHook: awaitHook, evictedTime: awaitTime };

async function measureGrowth(make: (from: number, to: number) => Promise<void>): Promise<ChildResult> {
  await make(0, warmUps);
  const census = request.census ? await takeCensus() : null;
  const before = await measureHeld();
  await make(warmUps, warmUps + request.runs);
  const after = await measureHeld();
  if (census) for (const line of growthOf(census, await takeCensus(), request.runs)) console.error(line);
  const each = (read: (held: Held) => number): number => (read(after) - read(before)) / request.runs;
  return { heapBytes: each(({ heap }) => heap), bufferBytes: each(({ buffers }) => buffers) };
}

async function measurePlain(): Promise<ChildResult> {
  const waiting = new Map<string, { result: Promise<string>; decide: (decision: { approved: boolean }) => void }>();
  const result = await measureGrowth(async (from, to) => {
    for (let index = from; index < to; index++) {
      const order = orderOf(index);
      let decide = (_decision: { approved: boolean }): void => undefined;
      const decision = new Promise<{ approved: boolean }>((resolve) => (decide = resolve));
      waiting.set(order.id, { result: plain(order, decision), decide });
    }
  });
  for (const { decide } of waiting.values()) decide({ approved: true });
  for (const [id, { result: returned }] of waiting) if ((await returned) !== `r-${id}`) throw new Error(`${id} returned something else.`);
  return result;
}

async function measureRuns(world: World, variant: keyof typeof workflows): Promise<ChildResult> {
  const isEvicted = variant === "evictedHook" || variant === "evictedTime";
  const workflow = workflows[variant];
  const make = async (from: number, to: number): Promise<void> => {
    for (let first = from; first < to; first += batch) {
      const ids = Array.from({ length: Math.min(batch, to - first) }, (_, index) => first + index);
      await Promise.all(ids.map((index) => start(workflow, [orderOf(index)], { id: `order-${index}` })));
    }
    await untilAll(world, to, (run) => isWaiting(variant, run, to) && (run.owner === null) === isEvicted);
  };
  const result = await measureGrowth(make);
  await checkRuns(world, variant);
  return result;
}

function isWaiting(variant: keyof typeof workflows, { dueAt }: RunRecord, count: number): boolean {
  if (variant === "step") return attemptsUnderWay() === count;
  return variant === "hook" || variant === "evictedHook" ? dueAt === null : dueAt !== null && dueAt > Date.now() + 24 * 3600 * 1000;
}

/** Waits until all runs are as they should be. */
async function untilAll(world: World, count: number, isFine: (run: RunRecord) => boolean): Promise<void> {
  for (;;) {
    if ((await countRuns(world, isFine)) === count) return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

async function countRuns(world: World, isFine: (run: RunRecord) => boolean): Promise<number> {
  let count = 0;
  for (let cursor: string | null | undefined; cursor !== null;) {
    const page = await world.query.runs({ limit: 1000, ...(cursor && { cursor }) });
    count += page.runs.filter(isFine).length;
    cursor = page.cursor;
  }
  return count;
}

/** That what was measured were runs: those that can be woken end as they should. */
async function checkRuns(world: World, variant: keyof typeof workflows): Promise<void> {
  const total = request.runs + warmUps;
  const isTime = variant === "time" || variant === "evictedTime";
  const woken = variant === "step" ? total : isTime ? 0 : 200;
  if (variant === "step") arrive();
  else for (let index = 0; index < woken; index++) await resumeHook(`decision-order-${index}`, { approved: true });
  for (let index = 0; index < woken; index++) {
    const value = await getRun<string>(`order-${index}`).returnValue;
    if (value !== `r-order-${index}`) throw new Error(`Run order-${index} returned ${value}.`);
  }
  const ended = await countRuns(world, ({ status }) => status === "completed");
  if (ended !== woken) throw new Error(`${ended} of ${total} runs ended instead of ${woken}.`);
}

if (request.variant === "plain") {
  console.log(JSON.stringify(await measurePlain()));
} else {
  const bench = await openBenchWorld("sqlite", { url: null });
  await setWorld(bench.world);
  const isEvicted = request.variant.startsWith("evicted");
  // As many as there are may stay, or none may.
  const many = 10 * request.runs;
  const worker = await startWorker(isEvicted ? { idleMs: 0 } : { idleMs: 3_600_000, maxResidentRuns: many, concurrency: many, graceMs: 0 });
  const result = await measureRuns(bench.world, request.variant);
  await worker.stop();
  await bench.world.close();
  await bench.remove();
  console.log(JSON.stringify(result));
}
