import { checkRuns } from "./check-runs.ts";
import { installDbos, openDbos, type Dbos } from "./peers/dbos.ts";
import type { Measurement } from "./report.ts";
import { optionOf, type Request } from "./request.ts";
import { runMany, runOne, withWorker } from "./session.ts";
import { median, percentile } from "./statistics.ts";
import { targetsOf } from "./targets.ts";
import { alternate, timed } from "./windows.ts";
import type { BenchWorld } from "./worlds/index.ts";
import { openServer } from "./worlds/postgres-server.ts";

const steps = 10;
const lone = 20;
const longSteps = 400;
const shortRuns = 2000;

/** The workloads `w1`, `w2`, `w3` and `w5` beside the same in DBOS, on one server, in turn. */
export async function peers(request: Request): Promise<Measurement> {
  const [runs, windows] = [optionOf(request, "runs"), optionOf(request, "windows")];
  installDbos();
  const server = await openServer(request.url);
  try {
    const dbos = await openDbos(await server.createDatabase("dbos"));
    try {
      return await withWorker({ ...request, url: server.url }, false, async (bench) => {
        const { wallMs, cpuMs, value: figures } = await timed(() => measure(bench, dbos, runs, windows));
        return {
          figures: { ...figures, wallSeconds: wallMs / 1000, cpuSeconds: cpuMs / 1000 },
          targets: targetsOf(request),
          runs: windows,
          database: bench.database,
        };
      });
    } finally {
      await dbos.stop();
    }
  } finally {
    await server.close();
  }
}

async function measure(bench: BenchWorld, dbos: Dbos, runs: number, windows: number): Promise<Record<string, number>> {
  const rounds = { warmUps: 1, windows };
  const w1 = await alternate({ ours: () => runAlone(bench, lone, steps), dbos: () => dbos.runAlone(lone, steps) }, rounds);
  const w2 = await alternate({ ours: () => runAtOnce(bench, runs, steps), dbos: () => dbos.runMany(runs, steps) }, rounds);
  const w3 = await alternate({ ours: () => runAlone(bench, 1, longSteps), dbos: () => dbos.runAlone(1, longSteps) }, rounds);
  const w5 = await alternate({ ours: () => runAtOnce(bench, shortRuns, 1), dbos: () => dbos.runMany(shortRuns, 1) }, rounds);
  const p50 = (samples: readonly (readonly number[])[]): number => median(samples.map((times) => percentile(times, 0.5)));
  const [oursW1, dbosW1] = [p50(w1.ours), p50(w1.dbos)];
  const [oursW2, dbosW2] = [w2.ours, w2.dbos].map((times) => (runs * steps * 1000) / median(times)) as [number, number];
  const [oursW3, dbosW3] = [p50(w3.ours) / longSteps, p50(w3.dbos) / longSteps];
  const [oursW5, dbosW5] = [w5.ours, w5.dbos].map((times) => (shortRuns * 1000) / median(times)) as [number, number];
  return {
    oursW1,
    dbosW1,
    ratioW1: dbosW1 / oursW1,
    oursW2,
    dbosW2,
    ratioW2: oursW2 / dbosW2,
    oursW3,
    dbosW3,
    ratioW3: dbosW3 / oursW3,
    oursW5,
    dbosW5,
    ratioW5: oursW5 / dbosW5,
  };
}

async function runAlone({ world }: BenchWorld, runs: number, steps: number): Promise<number[]> {
  const times: number[] = [];
  for (let index = 0; index < runs; index++) {
    const { wallMs, value: run } = await timed(() => runOne(steps));
    times.push(wallMs);
    await checkRuns(world, [run], steps, steps + 1);
  }
  return times;
}

async function runAtOnce({ world }: BenchWorld, runs: number, steps: number): Promise<number> {
  const { wallMs, value } = await timed(() => runMany(runs, steps));
  await checkRuns(world, value, steps, steps + 1);
  return wallMs;
}
