import { checkRuns } from "./check-runs.ts";
import type { Measurement } from "./report.ts";
import { optionOf, type Request } from "./request.ts";
import { runOne, withSession, type Session } from "./session.ts";
import { growthExponent, median, percentile } from "./statistics.ts";
import { targetsOf } from "./targets.ts";
import { alternate, timed, type Timing } from "./windows.ts";
import { commitTimes } from "./yardstick.ts";

const smallest = 100;
const commitsPerWindow = 200;

/** How the time of a run grows with its steps. */
export function w3(request: Request): Promise<Measurement> {
  const [most, windows] = [optionOf(request, "steps"), optionOf(request, "windows")];
  const sizes = sizesUpTo(most);
  return withSession(request, 1, async (session) => {
    const commits: number[] = [];
    const samples: { readonly size: number; readonly times: Timing[] }[] = [];
    for (const size of sizes) {
      const sides = { ours: () => measureRun(session, size), commits: () => commitTimes(session.yardstick, commitsPerWindow) };
      const measured = await alternate(sides, { warmUps: size === smallest ? 3 : 0, windows });
      commits.push(...measured.commits.map((window) => percentile(window, 0.5)));
      samples.push({ size, times: measured.ours });
    }
    const totals = samples.map(({ size, times }) => [size, median(times.map(({ wallMs }) => wallMs))] as const);
    const [largest, slowest] = totals.at(-1) ?? [1, 0];
    const commitMsP50 = median(commits);
    return {
      figures: {
        msPerStep: Object.fromEntries(totals.map(([size, ms]) => [size, ms / size])),
        growthExponent: growthExponent(totals),
        commitMsP50,
        ratio: slowest / largest / commitMsP50,
        wallSeconds: slowest / 1000,
        cpuSeconds: median(samples.at(-1)?.times.map(({ cpuMs }) => cpuMs) ?? [0]) / 1000,
      },
      targets: targetsOf(request),
      runs: windows,
      database: session.database,
    };
  });
}

/** 100, 1,000 … and `most` itself. */
function sizesUpTo(most: number): number[] {
  const sizes: number[] = [];
  for (let size = smallest; size < most; size *= 10) sizes.push(size);
  return [...sizes, most];
}

async function measureRun({ world }: Session, steps: number): Promise<Timing> {
  const { wallMs, cpuMs, value: run } = await timed(() => runOne(steps));
  await checkRuns(world, [run], steps, steps + 1);
  return { wallMs, cpuMs };
}
