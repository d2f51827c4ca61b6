import type { CommitResult } from "@perdure/world";

import type { Core } from "./core.ts";
import { addReady, beginEffects } from "./effects.ts";
import type { Resident } from "./resident.ts";
import { drop, giveBack, handleTrouble, startAgain } from "./trouble.ts";
import { closeTurn, type ClosedTurn, type Turn } from "./turn.ts";
import { printLogs } from "./workflow-console.ts";

/** Folds a delivered turn, commits it, and goes on according to the World's answer. */
export async function commitTurn(core: Core, turn: Turn): Promise<void> {
  const { resident } = turn;
  let closed: ClosedTurn;
  try {
    closed = closeTurn(turn, core.id);
  } catch (error) {
    await handleTrouble(core, resident, error);
    return;
  }
  let result: CommitResult;
  try {
    result = await core.committer.submit(closed.commit);
  } catch {
    // The worker was stopped while the outcome was unknown: whoever claims the run next reads it from the history.
    drop(core, resident);
    return;
  }
  if (result.status === "committed") acknowledged(core, resident, closed, result.conflicts);
  else await refused(core, resident, result);
}

function acknowledged(core: Core, resident: Resident, { commit, asks, retries, logs }: ClosedTurn, conflicts: readonly string[]): void {
  const { machine, run } = resident;
  printLogs(logs);
  resident.committed += commit.rows.length;
  for (const message of commit.consumed ?? []) resident.messages.delete(message);
  if (commit.patch?.dueAt !== undefined) resident.rowDueAt = commit.patch.dueAt;
  if (commit.patch?.note !== undefined) resident.rowNote = commit.patch.note;
  if (machine.outcome) {
    drop(core, resident);
    core.onEnded({ runId: run.id, status: machine.outcome.status, output: commit.patch?.output ?? new Uint8Array() });
    return;
  }
  resident.mode = "idle";
  core.residents.touch(resident);
  for (const op of conflicts) addReady(core, resident, { event: { type: "hook_conflict", op }, payload: "" });
  beginEffects(core, resident, asks, retries);
  if (resident.ready.length > 0) core.turns.schedule(resident);
  else giveBackIfStranded(core, resident);
}

/** A run that needs a step which this process does not have, and that has nothing else under way here, is another worker's. */
export function giveBackIfStranded(core: Core, resident: Resident): void {
  if (resident.missingStep === null || resident.attempting.size > 0) return;
  const reason = `STEP_NOT_FOUND: waits for a worker that has the step ${resident.missingStep}`;
  void giveBack(core, resident, { note: reason, dueAt: Date.now() + core.options.leaseMs });
}

async function refused(core: Core, resident: Resident, result: Exclude<CommitResult, { status: "committed" }>): Promise<void> {
  switch (result.status) {
    case "fenced":
      drop(core, resident);
      return;
    case "behind":
      // The history is shorter, or longer, than this copy: give the run back and start again from what is there.
      startAgain(core, resident);
      return;
    case "failed":
      await handleTrouble(core, resident, result.error);
      return;
    default:
      result satisfies never;
  }
}
