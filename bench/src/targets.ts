import type { Target } from "./report.ts";
import { optionOf, type Request } from "./request.ts";

const atMost = (figure: string, bound: number): Target => ({ figure, op: "<=", bound });
const atLeast = (figure: string, bound: number): Target => ({ figure, op: ">=", bound });

/** The history of a run of 10 steps: a row for the start, one for each step. */
const historyRows = [atMost("historyRowsPerRun", 11), atLeast("historyRowsPerRun", 11)];

const nothingLost = [atMost("lost", 0), atMost("committedStepsRepeated", 0)];

/** Ten thousand open runs. */
const checkedInAMinute = (request: Request): Target[] => (optionOf(request, "runs") > 10_000 ? [] : [atMost("seconds", 60)]);

type Targets = (request: Request) => readonly Target[];

/** By World and benchmark. */
const targets: Readonly<Record<string, Readonly<Record<string, Targets>>>> = {
  memory: {
    w3: () => [atMost("growthExponent", 1.1)],
  },
  sqlite: {
    w1: () => [atMost("ratio", 1.5)],
    w2: () => [atLeast("ratio", 0.4)],
    w3: () => [atMost("growthExponent", 1.1)],
    w6: () => [atMost("rssGrowthMb", 100)],
    w7: () => nothingLost,
    w8: () => historyRows,
    check: checkedInAMinute,
  },
  postgres: {
    w1: () => [atMost("ratio", 1.5)],
    // Larger batches are where a single server's writes are cheapest.
    w2: (request) => [atLeast("ratio", optionOf(request, "runs") < 2000 ? 0.35 : 0.45)],
    w3: () => [atMost("ratio", 1.5), atMost("growthExponent", 1.05)],
    w4: () => [atMost("ms at 1,000", 60)],
    w5: () => [atLeast("runsPerSecond", 10_000)],
    w6: () => [
      atLeast("startedPerSecond", 5000),
      atMost("rssGrowthMb", 100),
      atMost("bytesStoredPerRun", 700),
      atMost("idleStatementsPerSecond", 2),
    ],
    check: checkedInAMinute,
    peers: () => [atLeast("ratioW2", 25), atLeast("ratioW1", 2)],
    w7: () => nothingLost,
    w8: () => [...historyRows, atMost("rowsPerRun at 1", 13), atMost("rowsPerRun at 500", 13)],
  },
};

/** What the workloads `w1` … `w8` are to reach, alone and beside a peer. */
export function targetsOf(request: Request): readonly Target[] {
  return targets[request.world]?.[request.name]?.(request) ?? [];
}
