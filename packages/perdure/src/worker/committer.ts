import type { Commit, CommitResult, World } from "@perdure/world";

import { monotonicNow } from "../host-timers.ts";
import { perLane } from "../lanes.ts";
import { createBatcher } from "../batcher.ts";
import type { Observation } from "./observe/observation.ts";
import { pause } from "./pause.ts";

const maxBatch = 1000;

/** The one way to the World for a run's progress. */
export interface Committer {
  /** Commits, at most one per run, and all in one lane (see `byLane`); resolves with the outcomes in order. Rejects only when the worker was stopped before the World answered. */
  submit(commits: readonly Commit[]): Promise<readonly CommitResult[]>;
  /** Resolves when nothing is queued or under way. */
  idle(): Promise<void>;
}

/**
 * Commits of all runs that fall due while one call is in flight share the next. A call that fails leaves its outcome unknown: the same commits are tried
 * again until the World answers (it knows its own rows), after the second failure one by one, so that a batch which cannot pass as a whole
 * still passes in its parts. Gives up when `signal` aborts.
 */
export function createCommitter(world: World, signal: AbortSignal, observation: Observation): Committer {
  const target: Target = { world, signal, observation };
  const flush = async (groups: readonly (readonly Commit[])[]): Promise<CommitResult[][]> => {
    const commits = groups.flat();
    const results: CommitResult[] = [];
    for (let start = 0; start < commits.length; start += maxBatch) {
      results.push(...(await commitUntilKnown(target, commits.slice(start, start + maxBatch))));
    }
    let end = 0;
    return groups.map((group) => results.slice(end, (end += group.length)));
  };
  const lanes = perLane(world, () => createBatcher<readonly Commit[], readonly CommitResult[]>(flush, maxBatch, queueMicrotask));
  return {
    submit: (commits) => (commits[0] ? lanes.of(commits[0].runId).submit(commits) : Promise.resolve([])),
    async idle() {
      await Promise.all(Array.from(lanes.all(), (lane) => lane.idle()));
    },
  };
}

interface Target {
  readonly world: World;
  readonly signal: AbortSignal;
  readonly observation: Observation;
}

async function commitUntilKnown(target: Target, commits: readonly Commit[]): Promise<CommitResult[]> {
  const { signal, observation } = target;
  for (let failures = 0; ; failures++) {
    try {
      if (failures < 2 || commits.length === 1) return await commitOnce(target, commits);
      const results = await Promise.all(commits.map((commit) => commitUntilKnown(target, [commit])));
      return results.flat();
    } catch (error) {
      signal.throwIfAborted();
      if (failures === 0 && hasTwins(commits))
        return (await Promise.all(commits.map((commit) => commitUntilKnown(target, [commit])))).flat();
      if (failures === 0) observation.warn(`A commit failed and will be tried again: ${String(error)}`);
      await pause(Math.min(1000, 10 * 2 ** failures) * (0.5 + Math.random()), signal);
    }
  }
}

/** A run that was lost and claimed again while a commit of it was in the queue has another one there. A World refuses both in one call; one of them is fenced. */
function hasTwins(commits: readonly Commit[]): boolean {
  return new Set(commits.map(({ runId }) => runId)).size < commits.length;
}

function commitOnce({ world, observation }: Target, commits: readonly Commit[]): Promise<CommitResult[]> {
  return observation.tell ? observe(world, observation, commits) : world.commit(commits);
}

async function observe(world: World, observation: Observation, commits: readonly Commit[]): Promise<CommitResult[]> {
  const startedAt = monotonicNow();
  const counts = { committed: 0, fenced: 0, behind: 0, failed: 0 };
  let outcome: "known" | "unknown" = "unknown";
  try {
    const results = await world.commit(commits);
    outcome = "known";
    for (const { status } of results) counts[status]++;
    return results;
  } finally {
    const rows = commits.reduce((sum, commit) => sum + commit.rows.length, 0);
    observation.tell?.({ type: "commit", commits: commits.length, rows, ms: monotonicNow() - startedAt, outcome, ...counts });
  }
}
