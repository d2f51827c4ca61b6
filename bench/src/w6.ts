import type { RunRecord, World } from "@perdure/world";
import { getRun, resumeHook, start } from "perdure/api";

import { measureHeld } from "./memory/heap.ts";
import type { Figure, Measurement } from "./report.ts";
import { optionOf, type Request } from "./request.ts";
import { withWorker } from "./session.ts";
import { percentile } from "./statistics.ts";
import { targetsOf } from "./targets.ts";
import { timed } from "./windows.ts";
import { anHour, untilTold } from "./workflows/asleep.ts";
import type { BenchWorld } from "./worlds/index.ts";
import { growthOf } from "./worlds/meter.ts";
import { commitTimes } from "./yardstick.ts";

/** So many come first, so that compiled code and tables of the first ones do not count. */
const warmUps = 1000;
const startsAtOnce = 1000;
/** With the warm-ups fewer than half of what a worker keeps in memory by default: it does not count as crowded. */
const mostResident = 4000;
const wakes = 200;
const idleMs = 10_000;
const pageSize = 1000;

/** Runs that wait: how fast they come to wait, what they take while they do, and how fast one wakes. Half of them sleep, half have a hook. */
export function w6(request: Request): Promise<Measurement> {
  const runs = optionOf(request, "runs");
  return withWorker(request, true, async (bench) => {
    const { wallMs, cpuMs, value: figures } = await timed(() => measure(bench, runs));
    return {
      figures: { ...figures, wallSeconds: wallMs / 1000, cpuSeconds: cpuMs / 1000 },
      targets: targetsOf(request),
      runs: 1,
      database: bench.database,
    };
  });
}

async function measure(bench: BenchWorld, runs: number): Promise<Record<string, Figure>> {
  const { world, meter } = bench;
  const stored = async (): Promise<number> => (await meter?.storedBytes()) ?? Number.NaN;
  await startAll(world, 0, warmUps);
  const storedBefore = await stored();
  const heldBefore = await measureHeld();
  const rssBefore = process.memoryUsage.rss();

  const total = warmUps + runs;
  const resident = Math.min(mostResident, runs);
  const first = await timed(() => startAll(world, warmUps, warmUps + resident));
  const held = await measureHeld();
  const others = await timed(() => startAll(world, warmUps + resident, total));
  await until(world, Math.ceil(total / pageSize), (run) => run.owner === null);
  const idle = await lookAtIdle(bench);
  const rssGrowth = process.memoryUsage.rss() - rssBefore;
  const heldEvicted = await measureHeld();
  const storedBytes = (await stored()) - storedBefore;
  await checkAll(world, total);

  const woken = await wakeSome(bench, total);
  return {
    startedPerSecond: (runs * 1000) / (first.wallMs + others.wallMs),
    rssGrowthMb: rssGrowth / 2 ** 20,
    heapGrowthMb: (heldEvicted.heap + heldEvicted.buffers - heldBefore.heap - heldBefore.buffers) / 2 ** 20,
    bytesPerResidentRun: (held.heap + held.buffers - heldBefore.heap - heldBefore.buffers) / resident,
    ...(!Number.isNaN(storedBytes) && { bytesStoredPerRun: storedBytes / runs }),
    ...idle,
    ...woken,
  };
}

const isAsleep = ({ index }: { readonly index: number }): boolean => index % 2 === 0;
const tokenOf = (index: number): string => `told-${index}`;

/** Resolves when all of them wait. */
async function startAll(world: World, from: number, to: number): Promise<void> {
  let next = from;
  const work = async (): Promise<void> => {
    while (next < to) {
      const index = next++;
      await (isAsleep({ index }) ? start(anHour, [index]) : start(untilTold, [tokenOf(index)]));
    }
  };
  await Promise.all(Array.from({ length: Math.min(startsAtOnce, to - from) }, work));
  await until(world, Math.ceil((to - from) / pageSize), isWaiting);
}

/** For a message, or for much later. */
function isWaiting({ status, dueAt }: RunRecord): boolean {
  return status === "running" && (dueAt === null || dueAt > Date.now() + 600_000);
}

/** Waits until all runs of the newest pages are as they should be. A page that once was is not read again. */
async function until(world: World, pages: number, isFine: (run: RunRecord) => boolean): Promise<void> {
  let cursor: string | null = null;
  for (let page = 0; page < pages;) {
    const read: Awaited<ReturnType<World["query"]["runs"]>> = await world.query.runs({
      limit: pageSize,
      ...(cursor !== null && { cursor }),
    });
    if (read.runs.every(isFine)) {
      page++;
      cursor = read.cursor;
      if (cursor === null) return;
    } else await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** That all are there, wait, and are nobody's. */
async function checkAll(world: World, total: number): Promise<void> {
  let count = 0;
  for (let cursor: string | null | undefined; cursor !== null;) {
    const page: Awaited<ReturnType<World["query"]["runs"]>> = await world.query.runs({ limit: pageSize, ...(cursor && { cursor }) });
    count += page.runs.filter((run) => isWaiting(run) && run.owner === null).length;
    cursor = page.cursor;
  }
  if (count !== total) throw new Error(`${count} of ${total} runs wait and are evicted.`);
}

/** What a worker that has nothing to do asks of the storage. */
async function lookAtIdle({ meter }: BenchWorld): Promise<Record<string, number>> {
  const before = await meter?.read();
  const { cpuMs, wallMs } = await timed(() => new Promise((resolve) => setTimeout(resolve, idleMs)));
  const after = await meter?.read();
  const statements = before && after && growthOf(before, after, {}).statements;
  return {
    ...(statements !== undefined && { idleStatementsPerSecond: (statements * 1000) / wallMs }),
    idleCpuMsPerSecond: (cpuMs * 1000) / wallMs,
  };
}

/** From the call that tells a run something until its result is known; the run is evicted, so that its history is read and replayed in between. */
async function wakeSome(bench: BenchWorld, total: number): Promise<Record<string, number>> {
  const times: number[] = [];
  for (let wake = 0; wake < wakes; wake++) {
    const index = 2 * Math.floor((wake * total) / (2 * wakes)) + 1;
    const startedAt = performance.now();
    const { runId } = await resumeHook(tokenOf(index), { n: index });
    const value = await getRun<number>(runId).returnValue;
    times.push(performance.now() - startedAt);
    if (value !== index) throw new Error(`Run ${runId} returned ${value}, not ${index}.`);
  }
  const commitMsP50 = bench.durable ? await measureCommit(bench) : null;
  return { wakeMsP50: percentile(times, 0.5), wakeMsP95: percentile(times, 0.95), ...(commitMsP50 !== null && { commitMsP50 }) };
}

async function measureCommit(bench: BenchWorld): Promise<number> {
  const yardstick = await bench.bare(Buffer.alloc(100, "x"));
  await yardstick.open(1);
  const times = await commitTimes(yardstick, wakes);
  await yardstick.close();
  return percentile(times, 0.5);
}
