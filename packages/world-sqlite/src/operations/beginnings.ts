import { firstCommit, type Commit, type CreatedRun, type NewRun } from "@perdure/world";
import type { Transaction } from "../database.ts";
import { commitBeside } from "./commit.ts";
import { keyOfRun, recordOf } from "./records.ts";
import { createRuns } from "./runs.ts";

/** {@link World.createRuns}, with what the runs begin with. */
export function createBegun(transaction: Transaction, runs: readonly NewRun[], owner: string | null, now: number): CreatedRun[] {
  const results = createRuns(transaction, runs, owner, now);
  const firsts = new Map<string, Commit>();
  for (const [index, { created }] of results.entries()) {
    const first = created ? firstCommit(runs[index]!, owner) : null;
    if (first) firsts.set(first.runId, first);
  }
  if (firsts.size === 0) return results;
  const commits = [...firsts.values()];
  const outcomes = new Map(commitBeside(transaction, commits, now).map((outcome, index) => [commits[index]!.runId, outcome]));
  return results.map((result) => {
    const begun = result.created ? outcomes.get(result.run.id) : undefined;
    if (begun?.status !== "committed") return result;
    return { ...result, run: recordOf(transaction, keyOfRun(transaction, result.run.id)!), begun };
  });
}
