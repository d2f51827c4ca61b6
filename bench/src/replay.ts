import { getRun, resumeHook } from "perdure/api";
import { setWorld } from "perdure/runtime";
import { startWorker } from "perdure/worker";
import type { World } from "@perdure/world";

import type { Figure, Measurement } from "./report.ts";
import { optionOf, type Request } from "./request.ts";
import { createRunMaker, type MadeRun } from "./replay/make-run.ts";
import { messageOf, shapes, type Shape } from "./replay/shapes.ts";
import { createStopwatch, type ReplayTime, type Stopwatch } from "./replay/stopwatch.ts";
import { growthExponent, median } from "./statistics.ts";
import { alternate, timed } from "./windows.ts";
import { openBenchWorld } from "./worlds/index.ts";

/** The size that the targets speak of. */
const size = 10_000;

interface Bench {
  readonly world: World;
  readonly stopwatch: Stopwatch;
  readonly windows: number;
}

/** How long it takes to rebuild a run from its history, as after an eviction. */
export async function replay(request: Request): Promise<Measurement> {
  const [most, windows] = [optionOf(request, "events"), optionOf(request, "windows")];
  const storage = await openBenchWorld(request.world, { url: request.url });
  const stopwatch = createStopwatch(storage.world);
  await setWorld(stopwatch.world);
  // A run that waits is given back at the next look, so that each message finds it evicted.
  console.error("not by default: startWorker({ idleMs: 0 })");
  const worker = await startWorker({ idleMs: 0 });
  const bench: Bench = { world: storage.world, stopwatch, windows };
  try {
    const { wallMs, cpuMs, value: figures } = await timed(() => measureAll(bench, most));
    return {
      figures: { ...figures, wallSeconds: wallMs / 1000, cpuSeconds: cpuMs / 1000 },
      targets: [
        { figure: "msSequential", op: "<=", bound: 250 },
        { figure: "msFanOut", op: "<=", bound: 250 },
        { figure: "msMessages", op: "<=", bound: 250 },
        { figure: "growthExponent", op: "<=", bound: 1.05 },
      ],
      runs: windows,
      database: storage.database,
    };
  } finally {
    await worker.stop();
    await storage.world.close();
    await storage.remove();
  }
}

async function measureAll(bench: Bench, most: number): Promise<Record<string, Figure>> {
  const [sequential, ...others] = shapes as [Shape, ...Shape[]];
  const make = await createRunMaker(bench.world, sequential);
  const cold = await replayOnce(bench, await make(size - 1));
  const samples: { readonly events: number; readonly sample: Sample }[] = [];
  for (const events of [...new Set([1000, size, most])].sort((a, b) => a - b)) {
    samples.push({ events, sample: await measure(bench, await make(events)) });
  }
  const bySize = (pick: (sample: Sample) => number): Record<string, number> =>
    Object.fromEntries(samples.map(({ events, sample }) => [events, pick(sample)]));
  const at = samples.find(({ events }) => events === size)?.sample;
  if (!at) throw new Error("Nothing was measured.");
  const figures: Record<string, Figure> = {
    ms: bySize(({ totalMs }) => totalMs),
    msWithoutLoad: bySize(({ totalMs, loadMs }) => totalMs - loadMs),
    cpuMs: bySize(({ cpuMs }) => cpuMs),
    growthExponent: growthExponent(samples.filter(({ events }) => events >= size).map(({ events, sample }) => [events, sample.totalMs])),
    msFirst: cold.totalMs,
    msSequential: at.totalMs,
    yardstickMs: at.yardstickMs,
    ratio: at.totalMs / at.yardstickMs,
  };
  for (const shape of others) {
    const { totalMs, loadMs, yardstickMs } = await measure(bench, await (await createRunMaker(bench.world, shape))(size));
    const name = shape.name === "fanOut" ? "FanOut" : "Messages";
    Object.assign(figures, { [`ms${name}`]: totalMs, [`ms${name}WithoutLoad`]: totalMs - loadMs, [`ratio${name}`]: totalMs / yardstickMs });
  }
  return figures;
}

interface Sample extends ReplayTime {
  readonly yardstickMs: number;
}

/** Medians. */
async function measure(bench: Bench, run: MadeRun): Promise<Sample> {
  let replays = 0;
  const sides = {
    ours: () => {
      replays++;
      return replayOnce(bench, run);
    },
    yardstick: () => readAndParse(bench.world, run.id),
  };
  const { ours, yardstick } = await alternate(sides, { warmUps: 2, windows: bench.windows });
  await finish(bench, run, replays);
  return {
    totalMs: median(ours.map(({ totalMs }) => totalMs)),
    loadMs: median(ours.map(({ loadMs }) => loadMs)),
    cpuMs: median(ours.map(({ cpuMs }) => cpuMs)),
    yardstickMs: median(yardstick),
  };
}

/** Sends the run a message once nobody has it in memory. */
async function replayOnce({ world, stopwatch }: Bench, run: MadeRun): Promise<ReplayTime> {
  await untilEvicted(world, run);
  const replayed = stopwatch.next(run.id);
  await resumeHook(run.token, messageOf(true));
  return replayed;
}

async function untilEvicted(world: World, { id }: MadeRun): Promise<void> {
  for (;;) {
    const [record] = await world.query.runsById([id]);
    if (record?.note?.startsWith("NONDETERMINISM")) throw new Error(record.note);
    if (record?.status !== "running") throw new Error(`Run ${id} is ${record?.status}.`);
    if (record.owner === null) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** What reading a history costs without a runtime: its rows from the World, and both parts of each by `JSON.parse`. */
async function readAndParse(world: World, runId: string): Promise<number> {
  const start = performance.now();
  const { rows } = await world.load(runId);
  let parsed = 0;
  for (const { data } of rows) {
    const text = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("utf8");
    const end = text.indexOf("\n");
    if (JSON.parse(text.slice(0, end)) !== null) parsed++;
    if (text.length > end + 1) JSON.parse(text.slice(end + 2));
  }
  if (parsed !== rows.length) throw new Error("Not all rows could be read.");
  return performance.now() - start;
}

/** Lets the run end; it must have counted every event, those of its history and each message since. */
async function finish({ world }: Bench, { id, token, events }: MadeRun, replays: number): Promise<void> {
  await resumeHook(token, messageOf(false));
  const value = await getRun<number>(id).returnValue;
  if (value !== events + replays + 1) throw new Error(`Run ${id} returned ${value}, not ${events + replays + 1}.`);
  const { rows } = await world.load(id);
  const isWhole = rows.every(({ seq }, index) => seq === index + 1);
  if (rows.length !== events + replays + 2 || !isWhole) throw new Error(`Run ${id} has ${rows.length} rows.`);
}
