import type { Commit, CommitResult, NewRun, RunRecord, World } from "../index.ts";
import { checksum, type Ledger } from "./ledger.ts";
import { checkRecord } from "./runs.ts";
import { holds } from "./violation.ts";

type Existing = Extract<CommitResult, { readonly status: "committed" }>["existing"];

/** The runs of a commit that is committed: each is there as it was asked for, or another one has its key. */
export async function checkStarted(ledger: Ledger, inner: World, since: number, commit: Commit, existing: Existing = []): Promise<void> {
  const { runId, runs = [] } = commit;
  for (const { id, runId: holder } of existing) {
    const asked = runs.find((run) => run.id === id);
    const mayExist = asked !== undefined && asked.key !== null && asked.ifKeyExists !== "replace" && holder !== id;
    holds(mayExist, () => `A commit of run ${runId} reports that run ${holder} has the key of run ${id}, which cannot be.`);
  }
  if (runs.length === 0) return;
  const found = await read(inner, [...runs.map(({ id }) => id), ...existing.map(({ runId: holder }) => holder)]);
  if (found === null) return;
  for (const asked of runs) {
    const run = found.get(asked.id);
    if (existing.some(({ id }) => id === asked.id)) {
      holds(run === undefined, () => `Run ${asked.id} was reported as not created, and exists.`);
      continue;
    }
    holds(run !== undefined, () => `Run ${asked.id} was started by a commit of run ${runId} and does not exist.`);
    if (ledger.run(asked.id).seenAt > since) checkAsked(asked, run);
    checkRecord(ledger, since, run);
  }
  for (const { runId: holder } of existing) holds(found.has(holder), () => `Run ${holder} has a key and does not exist.`);
}

function checkAsked(asked: NewRun, run: RunRecord): void {
  const { workflowId, version, input, parent } = run;
  const same = workflowId === asked.workflowId && version === asked.version && checksum(input) === checksum(asked.input);
  holds(same, () => `Run ${run.id} is not the run that was asked for.`);
  const from = asked.parent ?? null;
  const sameParent = parent?.runId === from?.runId && parent?.operation === from?.operation;
  holds(sameParent, () => `Run ${run.id} has another parent than was asked for.`);
}

/** The successor of a commit that is committed: it is there, has the parent of the run that ended, and that run has no key any more. */
export async function checkSucceeded(ledger: Ledger, inner: World, since: number, { runId, successor }: Commit): Promise<void> {
  if (successor === undefined) return;
  const found = await read(inner, [runId, successor.id]);
  if (found === null) return;
  const [run, next] = [found.get(runId), found.get(successor.id)];
  holds(run?.successor === successor.id, () => `Run ${runId} was to go on as run ${successor.id} and goes on as ${run?.successor}.`);
  holds(next !== undefined, () => `Run ${successor.id} was to go on for run ${runId} and does not exist.`);
  if (ledger.run(next.id).seenAt > since) checkAsked({ ...successor, parent: run.parent }, next);
  for (const one of [run, next]) checkRecord(ledger, since, one);
}

/** Runs by id; null when the World is closed or out of reach by now: what was acknowledged before is not to be told. */
async function read(inner: World, ids: readonly string[]): Promise<Map<string, RunRecord> | null> {
  const runs = await inner.query.runsById(ids).catch(() => null);
  return runs === null ? null : new Map(runs.map((run) => [run.id, run]));
}
