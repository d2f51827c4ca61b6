import type { Commit, CommitResult, World } from "@perdure/world";

import { createBatcher, type Batcher } from "./batcher.ts";
import { pause } from "./pause.ts";

const maxBatch = 1000;

/**
 * The one way to the World for a run's progress. Commits of all runs that fall due while one call is in flight share the next. A call that
 * fails leaves its outcome unknown: the same commits are tried again until the World answers (it knows its own rows), after the second failure one
 * by one, so that a batch which cannot pass as a whole still passes in its parts. Gives up when `signal` aborts.
 */
export function createCommitter(world: World, signal: AbortSignal): Batcher<Commit, CommitResult> {
  return createBatcher((commits) => commitUntilKnown(world, commits, signal), maxBatch, queueMicrotask);
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
