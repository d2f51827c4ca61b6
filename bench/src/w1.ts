import type { Run } from "perdure/api";

import { checkRuns } from "./check-runs.ts";
import type { Measurement } from "./report.ts";
import { optionOf, type Request } from "./request.ts";
import { runOne, withSession, type Session } from "./session.ts";
import { median, percentile } from "./statistics.ts";
import { targetsOf } from "./targets.ts";
import { alternate, timed, type Timing } from "./windows.ts";
import { commitTimes } from "./yardstick.ts";

const steps = 10;
/** What a run would be if each of its rows were a commit: one creates it, one starts it, ten bring a result each. (It is eleven: the start goes with the first result.) */
const commitsPerRun = 12;
const commitsPerWindow = 100;

/** The latency of a lone run, in units of the disk's own. */
export function w1(request: Request): Promise<Measurement> {
  const [runs, windows] = [optionOf(request, "runs"), optionOf(request, "windows")];
  return withSession(request, 1, async (session) => {
    const sides = { ours: () => measureRuns(session, runs), commits: () => commitTimes(session.yardstick, commitsPerWindow) };
    const { ours, commits } = await alternate(sides, { warmUps: 3, windows });
    const times = ours.map((window) => window.times);
    const msPerRunP50 = median(times.map((window) => percentile(window, 0.5)));
    const commitMsP50 = median(commits.map((window) => percentile(window, 0.5)));
    return {
      figures: {
        msPerRunP50,
        msPerRunP95: median(times.map((window) => percentile(window, 0.95))),
        commitMsP50,
        ratio: msPerRunP50 / (commitsPerRun * commitMsP50),
        wallSeconds: median(ours.map(({ wallMs }) => wallMs)) / 1000,
        cpuSeconds: median(ours.map(({ cpuMs }) => cpuMs)) / 1000,
      },
      targets: targetsOf(request),
      runs: windows,
      database: session.database,
    };
  });
}

/** Milliseconds of each run, and of all together. */
async function measureRuns({ world }: Session, count: number): Promise<Timing & { readonly times: number[] }> {
  const times: number[] = [];
  const runs: Run<number>[] = [];
  const { wallMs, cpuMs } = await timed(async () => {
    for (let index = 0; index < count; index++) {
      const start = performance.now();
      runs.push(await runOne(steps));
      times.push(performance.now() - start);
    }
  });
  await checkRuns(world, runs, steps, steps + 1);
  return { wallMs, cpuMs, times };
}
