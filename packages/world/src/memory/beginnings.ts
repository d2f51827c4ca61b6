import { firstCommit, type CreatedRun, type NewRun } from "../index.ts";
import { commit } from "./commit.ts";
import { createRuns } from "./runs.ts";
import { recordOf, type Store } from "./store.ts";

/** {@link World.createRuns}, with what the runs begin with. */
export function createBegun(store: Store, runs: readonly NewRun[], owner: string | null): CreatedRun[] {
  return createRuns(store, runs, owner).map((result, index) => {
    const first = result.created ? firstCommit(runs[index]!, owner) : null;
    const begun = first && commit(store, [first])[0];
    return begun?.status === "committed" ? { ...result, run: recordOf(store.runs.get(first!.runId)!), begun } : result;
  });
}
