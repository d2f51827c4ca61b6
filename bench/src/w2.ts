import { checkRuns } from "./check-runs.ts";
import type { Measurement } from "./report.ts";
import { optionOf, type Request } from "./request.ts";
import { runMany, withSession, type Session } from "./session.ts";
import { median } from "./statistics.ts";
import { targetsOf } from "./targets.ts";
import { alternate, repeat, timed, type Timing } from "./windows.ts";
import { produce, type Yardstick } from "./yardstick.ts";

const steps = 10;
const windowMs = 300;

/** Throughput under load, beside that of the storage when as many producers each await each of their rows. */
export function w2(request: Request): Promise<Measurement> {
  const [runs, windows] = [optionOf(request, "runs"), optionOf(request, "windows")];
  return withSession(request, runs, async (session) => {
    const sides = {
      ours: () => measureRuns(session, runs),
      yardstick: () => measureRows(session.yardstick, runs),
      commits: () => measureRows(session.commits, runs),
    };
    const { ours, yardstick, commits } = await alternate(sides, { warmUps: 3, windows });
    const stepsPerSecond = median(ours.map((window) => window.runsPerSecond)) * steps;
    const yardstickRowsPerSecond = median(yardstick);
    return {
      figures: {
        stepsPerSecond,
        runsPerSecond: stepsPerSecond / steps,
        yardstickRowsPerSecond,
        ratio: stepsPerSecond / yardstickRowsPerSecond,
        worldRowsPerSecond: median(commits),
        wallSeconds: median(ours.map(({ wallMs }) => wallMs)) / 1000,
        cpuSeconds: median(ours.map(({ cpuMs }) => cpuMs)) / 1000,
      },
      targets: targetsOf(request),
      runs: windows,
      database: session.database,
    };
  });
}

/** Times are those of one batch of runs. */
async function measureRuns({ world }: Session, runs: number): Promise<Timing & { readonly runsPerSecond: number }> {
  const { wallMs, cpuMs, value: batches } = await timed(() => repeat(windowMs, () => runMany(runs, steps)));
  for (const batch of batches) await checkRuns(world, batch, steps, steps + 1);
  const count = batches.length;
  return { wallMs: wallMs / count, cpuMs: cpuMs / count, runsPerSecond: (runs * count * 1000) / wallMs };
}

async function measureRows(yardstick: Yardstick, producers: number): Promise<number> {
  const { wallMs, value: batches } = await timed(() => repeat(windowMs, () => produce(yardstick, producers, steps)));
  return (producers * steps * batches.length * 1000) / wallMs;
}
