import { checkRuns } from "./check-runs.ts";
import type { Figure, Measurement } from "./report.ts";
import { optionOf, type Request } from "./request.ts";
import { runMany, runOne, withWorker } from "./session.ts";
import { targetsOf } from "./targets.ts";
import { timed } from "./windows.ts";
import type { BenchWorld } from "./worlds/index.ts";
import { growthOf, ratesOf, type Countable, type Meter, type Rates } from "./worlds/meter.ts";

const steps = 10;

/** Runs of a window, by how many are started at once. */
const loads: Readonly<Record<string, number>> = { 1: 30, 500: 500 };

const idleMs = 3000;

const figureNames: Readonly<Record<Countable, string>> = {
  rows: "rowsPerRun",
  statements: "statementsPerRun",
  commits: "commitsPerRun",
  walBytes: "walBytesPerRun",
};

/** What runs ask of the storage, one at a time and many at once. */
export function w8(request: Request): Promise<Measurement> {
  const windows = optionOf(request, "windows");
  return withWorker(request, true, async (bench) => {
    const { meter } = bench;
    if (!meter) throw new TypeError(`The World "${request.world}" has no storage to look at.`);
    const background = await warmUp(bench, meter);
    const figures: Record<string, Record<string, number>> = {};
    const counted = { runs: 0, rows: 0 };
    const { wallMs, cpuMs } = await timed(async () => {
      for (const [atOnce, runs] of Object.entries(loads)) {
        const load = { atOnce: Number(atOnce), runs, windows };
        const { history, ...counts } = await measure(bench, meter, background, load);
        counted.runs += windows * runs;
        counted.rows += history;
        for (const [name, value] of Object.entries(counts)) (figures[figureNames[name as Countable]] ??= {})[atOnce] = value;
      }
    });
    return {
      figures: {
        historyRowsPerRun: counted.rows / counted.runs,
        ...(figures as Record<string, Figure>),
        wallSeconds: wallMs / 1000,
        cpuSeconds: cpuMs / 1000,
      },
      targets: targetsOf(request),
      runs: windows,
      database: bench.database,
    };
  });
}

/** What a worker does that has nothing to do, and what it writes to be known as alive. */
async function warmUp({ world }: BenchWorld, meter: Meter): Promise<Rates> {
  await checkRuns(world, [await runOne(steps), ...(await runMany(500, steps))], steps);
  const settled = await meter.readSettled();
  const before = await meter.read();
  await new Promise((resolve) => setTimeout(resolve, idleMs));
  const after = await meter.read();
  return { ...ratesOf(settled, await meter.readSettled()), ...ratesOf(before, after) };
}

interface Load {
  readonly atOnce: number;
  /** In each window. */
  readonly runs: number;
  readonly windows: number;
}

/** What one run takes, and the rows of all histories: counted, while how many there must be is for the targets. Results are checked behind the readings, which would count it otherwise. */
async function measure(
  bench: BenchWorld,
  meter: Meter,
  background: Rates,
  { atOnce, runs, windows }: Load,
): Promise<Partial<Record<Countable, number>> & { readonly history: number }> {
  const done: Awaited<ReturnType<typeof runMany>> = [];
  const settled = await meter.readSettled();
  const before = await meter.read();
  for (let index = 0; index < (windows * runs) / atOnce; index++) {
    done.push(...(await runMany(atOnce, steps)));
    // A storage may count no further than to the end of its log.
    if (done.length % runs === 0) await meter.read();
  }
  const after = await meter.read();
  const growth = { ...growthOf(settled, await meter.readSettled(), background), ...growthOf(before, after, background) };
  const history = await checkRuns(bench.world, done, steps);
  return { ...Object.fromEntries(Object.entries(growth).map(([name, value]) => [name, value / done.length])), history };
}
