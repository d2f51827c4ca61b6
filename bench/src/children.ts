import { start } from "perdure/api";

import { checkRuns } from "./check-runs.ts";
import type { Measurement } from "./report.ts";
import { optionOf, type Request } from "./request.ts";
import { runMany, withSession, type Session } from "./session.ts";
import { median } from "./statistics.ts";
import { alternate, timed, type Timing } from "./windows.ts";
import { family } from "./workflows/children.ts";

/** Children in all, and how many parents they have. */
const children = 1000;
const parentCounts = [1, 100];

/** How many children end in a second, started and awaited by their parents, beside as many runs of the same step that are started from outside. */
export function childrenOf(request: Request): Promise<Measurement> {
  const windows = optionOf(request, "windows");
  return withSession(request, 1, async (session) => {
    const rates: Record<string, number> = {};
    const ratios: number[] = [];
    let plain: Timing[] = [];
    let last: Timing[] = [];
    for (const parents of parentCounts) {
      const sides = { ours: () => measureFamilies(session, parents), runs: () => timed(() => runMany(children, 1)) };
      const { ours, runs } = await alternate(sides, { warmUps: 2, windows });
      [last, plain] = [ours, [...plain, ...runs]];
      rates[parents] = perSecond(ours);
      ratios.push(perSecond(ours) / perSecond(runs));
    }
    return {
      figures: {
        // The slower of the two.
        childrenPerSecond: Math.min(...Object.values(rates)),
        childrenPerSecondByParents: rates,
        runsPerSecond: perSecond(plain),
        ratio: Math.min(...ratios),
        wallSeconds: median(last.map(({ wallMs }) => wallMs)) / 1000,
        cpuSeconds: median(last.map(({ cpuMs }) => cpuMs)) / 1000,
      },
      targets: [],
      runs: windows,
      database: session.database,
    };
  });
}

function perSecond(timings: readonly Timing[]): number {
  return (children * 1000) / median(timings.map(({ wallMs }) => wallMs));
}

async function measureFamilies({ world }: Session, parents: number): Promise<Timing> {
  const each = children / parents;
  const {
    wallMs,
    cpuMs,
    value: runs,
  } = await timed(() =>
    Promise.all(
      Array.from({ length: parents }, async () => {
        const run = await start(family, [each]);
        await run.returnValue;
        return run;
      }),
    ),
  );
  await checkRuns(world, runs, each);
  return { wallMs, cpuMs };
}
