import { checkRuns } from "./check-runs.ts";
import type { Measurement } from "./report.ts";
import { optionOf, type Request } from "./request.ts";
import { runMany, withSession, type Session } from "./session.ts";
import { median } from "./statistics.ts";
import { targetsOf } from "./targets.ts";
import { alternate, timed, type Timing } from "./windows.ts";
import { produce } from "./yardstick.ts";

const sizes = [2000, 10_000];

/** One transaction that creates the run, a row for its start, a row for its end: what a run of one step has its producer wait for. */
const commitsPerRun = 3;

/** How many short runs end in a second, started at once, beside the storage when as many producers each await three rows. */
export function w5(request: Request): Promise<Measurement> {
  const windows = optionOf(request, "windows");
  return withSession(request, Math.max(...sizes), async (session) => {
    const samples: { readonly size: number; readonly ours: Timing[]; readonly rows: Timing[] }[] = [];
    for (const size of sizes) {
      const sides = {
        ours: () => measureRuns(session, size),
        rows: () => timed(() => produce(session.yardstick, size, commitsPerRun)),
      };
      samples.push({ size, ...(await alternate(sides, { warmUps: 2, windows })) });
    }
    const rates = samples.map(({ size, ours, rows }) => ({
      size,
      ours: (size * 1000) / median(ours.map(({ wallMs }) => wallMs)),
      yardstick: (size * 1000) / median(rows.map(({ wallMs }) => wallMs)),
    }));
    const last = samples.at(-1)?.ours ?? [];
    return {
      figures: {
        // The slower of the two.
        runsPerSecond: Math.min(...rates.map(({ ours }) => ours)),
        runsPerSecondBySize: Object.fromEntries(rates.map(({ size, ours }) => [size, ours])),
        yardstickRunsPerSecond: Object.fromEntries(rates.map(({ size, yardstick }) => [size, yardstick])),
        ratio: Math.min(...rates.map(({ ours, yardstick }) => ours / yardstick)),
        wallSeconds: median(last.map(({ wallMs }) => wallMs)) / 1000,
        cpuSeconds: median(last.map(({ cpuMs }) => cpuMs)) / 1000,
      },
      targets: targetsOf(request),
      runs: windows,
      database: session.database,
    };
  });
}

async function measureRuns({ world }: Session, count: number): Promise<Timing> {
  const { wallMs, cpuMs, value: runs } = await timed(() => runMany(count, 1));
  await checkRuns(world, runs, 1, 2);
  return { wallMs, cpuMs };
}
