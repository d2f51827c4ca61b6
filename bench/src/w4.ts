import { start } from "perdure/api";

import { checkRuns } from "./check-runs.ts";
import type { Measurement } from "./report.ts";
import { optionOf, type Request } from "./request.ts";
import { withSession, type Session } from "./session.ts";
import { median } from "./statistics.ts";
import { targetsOf } from "./targets.ts";
import { alternate, timed, type Timing } from "./windows.ts";
import { produce } from "./yardstick.ts";
import { fan } from "./workflows/fan.ts";

const sizes = [100, 500, 1000];
const runsPerWindow = 5;

/** How long steps take that a run calls at once, beside as many rows that are written at once. */
export function w4(request: Request): Promise<Measurement> {
  const windows = optionOf(request, "windows");
  return withSession(request, Math.max(...sizes), async (session) => {
    const samples: { readonly size: number; readonly ours: Timing[]; readonly rows: Timing[] }[] = [];
    for (const size of sizes) {
      const sides = {
        ours: () => measureRuns(session, size),
        rows: () => each(runsPerWindow, () => produce(session.yardstick, size, 1)),
      };
      samples.push({ size, ...(await alternate(sides, { warmUps: 3, windows })) });
    }
    const bySize = (pick: (sample: (typeof samples)[number]) => number): Record<string, number> =>
      Object.fromEntries(samples.map((sample) => [sample.size, pick(sample)]));
    const ms = bySize(({ ours }) => median(ours.map(({ wallMs }) => wallMs)));
    const yardstickMs = bySize(({ rows }) => median(rows.map(({ wallMs }) => wallMs)));
    const [last, largest] = [samples.at(-1), sizes.at(-1) ?? 0];
    return {
      figures: {
        ms,
        yardstickMs,
        ratio: (ms[largest] ?? Number.NaN) / (yardstickMs[largest] ?? Number.NaN),
        wallSeconds: (ms[largest] ?? 0) / 1000,
        cpuSeconds: median(last?.ours.map(({ cpuMs }) => cpuMs) ?? [0]) / 1000,
      },
      targets: targetsOf(request),
      runs: windows,
      database: session.database,
    };
  });
}

/** Repeats a piece of work, one after another; what one took. */
async function each(count: number, work: () => Promise<unknown>): Promise<Timing> {
  const { wallMs, cpuMs } = await timed(async () => {
    for (let index = 0; index < count; index++) await work();
  });
  return { wallMs: wallMs / count, cpuMs: cpuMs / count };
}

async function measureRuns({ world }: Session, steps: number): Promise<Timing> {
  const runs: Awaited<ReturnType<typeof runFan>>[] = [];
  const timing = await each(runsPerWindow, async () => runs.push(await runFan(steps)));
  await checkRuns(world, runs, steps, steps + 1);
  return timing;
}

async function runFan(steps: number) {
  const run = await start(fan, [steps]);
  await run.returnValue;
  return run;
}
