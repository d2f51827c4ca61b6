import { planRuns, type PlannedRun } from "./load.ts";
import type { Member } from "./fleet.ts";

/** The runs of the load, and which of them are started for certain. */
export interface Roster {
  readonly all: Iterable<PlannedRun>;
  /** Keys of runs whose `start()` has resolved somewhere. */
  readonly acknowledged: ReadonlySet<string>;
  /** Adds so many runs to the load. */
  plan(count: number): PlannedRun[];
  find(key: string): PlannedRun | undefined;
  acknowledge(key: string): PlannedRun | undefined;
  /** What nobody has acknowledged. */
  readonly unacknowledged: readonly PlannedRun[];
  /**
   * Gives the members these runs; by default all that nobody has acknowledged, also what a dead one was told to start: a start that is made again
   * happens once.
   */
  handOut(members: readonly Member[], runs?: readonly PlannedRun[]): void;
}

/** @param names the workflows of the load */
export function createRoster(names: readonly string[]): Roster {
  const planned = new Map<string, PlannedRun>();
  const acknowledged = new Set<string>();
  const unacknowledged = (): PlannedRun[] => [...planned.values()].filter(({ key }) => !acknowledged.has(key));
  return {
    get all() {
      return planned.values();
    },
    acknowledged,
    plan(count) {
      const runs = planRuns(planned.size, count, names);
      for (const run of runs) planned.set(run.key, run);
      return runs;
    },
    find: (key) => planned.get(key),
    acknowledge(key) {
      acknowledged.add(key);
      return planned.get(key);
    },
    get unacknowledged() {
      return unacknowledged();
    },
    handOut(members, runs = unacknowledged()) {
      for (const [index, member] of members.entries()) member.start(runs.filter((_, at) => at % members.length === index));
    },
  };
}
