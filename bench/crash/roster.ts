import { planRuns, type PlannedRun } from "./load.ts";
import type { Member } from "./fleet.ts";

/** The runs of the load, and which of them are started for certain. */
export interface Roster {
  readonly all: Iterable<PlannedRun>;
  /** Keys of runs whose `start()` has resolved somewhere. */
  readonly acknowledged: ReadonlySet<string>;
  /** Adds so many runs to the load. */
  plan(count: number): PlannedRun[];
  acknowledge(key: string): PlannedRun | undefined;
  /**
   * Gives the members all that nobody has acknowledged, also what a dead one was told to start: a start that is made again happens once.
   */
  handOut(members: readonly Member[]): void;
}

export function createRoster(): Roster {
  const planned = new Map<string, PlannedRun>();
  const acknowledged = new Set<string>();
  return {
    get all() {
      return planned.values();
    },
    acknowledged,
    plan(count) {
      const runs = planRuns(planned.size, count);
      for (const run of runs) planned.set(run.key, run);
      return runs;
    },
    acknowledge(key) {
      acknowledged.add(key);
      return planned.get(key);
    },
    handOut(members) {
      const runs = [...planned.values()].filter(({ key }) => !acknowledged.has(key));
      for (const [index, member] of members.entries()) member.start(runs.filter((_, at) => at % members.length === index));
    },
  };
}
