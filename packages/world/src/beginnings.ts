import { commitProblem } from "./commit-problem.ts";
import type { Commit, NewRun } from "./records.ts";

/** The commit that the beginning of a run is which is created for an owner; null: there is none, or none that can be stored, which is told when it is committed. */
export function firstCommit({ id, beginning, history }: NewRun, owner: string | null): Commit | null {
  if (owner === null || beginning === undefined || beginning.rows.length === 0 || history !== undefined) return null;
  const commit: Commit = { runId: id, fence: 1, worker: owner, base: 0, ...beginning };
  return commitProblem(commit) === null ? commit : null;
}
