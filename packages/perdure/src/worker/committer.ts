import type { Commit, CommitResult, World } from "@perdure/world";

import { createBatcher } from "./batcher.ts";
import { pause } from "./pause.ts";

const maxBatch = 1000;

/** The one way to the World for a run's progress. */
export interface Committer {
  /** Commits, at most one per run; resolves with the outcomes in order. Rejects only when the worker was stopped before the World answered. */
  submit(commits: readonly Commit[]): Promise<readonly CommitResult[]>;
  /** Resolves when nothing is queued or under way. */
  idle(): Promise<void>;
}

/**
 * Commits of all runs that fall due while one call is in flight share the next. A call that fails leaves its outcome unknown: the same commits are tried
 * again until the World answers (it knows its own rows), after the second failure one by one, so that a batch which cannot pass as a whole
 * still passes in its parts. Gives up when `signal` aborts.
 */
export function createCommitter(world: World, signal: AbortSignal): Committer {
  const flush = async (groups: readonly (readonly Commit[])[]): Promise<CommitResult[][]> => {
    const commits = groups.flat();
    const results: CommitResult[] = [];
    for (let start = 0; start < commits.length; start += maxBatch) {
      results.push(...(await commitUntilKnown(world, commits.slice(start, start + maxBatch), signal)));
    }
    let end = 0;
    return groups.map((group) => results.slice(end, (end += group.length)));
  };
  return createBatcher<readonly Commit[], readonly CommitResult[]>(flush, maxBatch, queueMicrotask);
}

async function commitUntilKnown(world: World, commits: readonly Commit[], signal: AbortSignal): Promise<CommitResult[]> {
  for (let failures = 0; ; failures++) {
    try {
      if (failures < 2 || commits.length === 1) return await world.commit(commits);
      const results = await Promise.all(commits.map((commit) => commitUntilKnown(world, [commit], signal)));
      return results.flat();
    } catch (error) {
      signal.throwIfAborted();
      if (failures === 0) process.emitWarning(`A commit failed and will be tried again: ${String(error)}`, "PerdureWarning");
      await pause(Math.min(1000, 10 * 2 ** failures) * (0.5 + Math.random()), signal);
    }
  }
}
