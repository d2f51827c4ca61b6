import type { CommitResult } from "@perdure/world";

import type { Core } from "./core.ts";
import { addReady, beginEffects } from "./effects.ts";
import type { Resident } from "./resident.ts";
import { drop, giveBack, handleTrouble, startAgain } from "./trouble.ts";
import { closeTurn, type ClosedTurn, type Turn } from "./turn.ts";
import { printLogs } from "./workflow-console.ts";

/** Folds the turns of a tick, commits them together, and goes on with each according to the World's answer. Never rejects. */
export async function commitTurns(core: Core, turns: readonly Turn[]): Promise<void> {
  const closed: ClosedTurn[] = [];
  for (const turn of turns) {
    try {
      closed.push(closeTurn(turn, core.id));
    } catch (error) {
      void handleTrouble(core, turn.resident, error);
    }
  }
  let results: readonly CommitResult[];
  try {
    results = closed.length > 0 ? await core.committer.submit(closed.map(({ commit }) => commit)) : [];
  } catch {
    // The worker was stopped while the outcome was unknown: whoever claims the runs next reads it from their histories.
    for (const { resident } of closed) drop(core, resident);
    return;
  }
  closed.forEach((turn, index) => settle(core, turn, results[index]));
}

function settle(core: Core, turn: ClosedTurn, result: CommitResult | undefined): void {
  const { resident } = turn;
  switch (result?.status) {
    case "committed":
      acknowledged(core, turn, result.conflicts);
      return;
    case "behind":
      // The history is shorter, or longer, than this copy: give the run back and start again from what is there.
      startAgain(core, resident);
      return;
    case "failed":
      void handleTrouble(core, resident, result.error);
      return;
    case "fenced":
    case undefined:
      drop(core, resident);
      return;
    default:
      result satisfies never;
  }
}

function acknowledged(core: Core, { resident, commit, asks, attempts, logs }: ClosedTurn, conflicts: readonly string[]): void {
  const { machine, run } = resident;
  printLogs(logs);
  resident.committed += commit.rows.length;
  if (core.interruptions.size > 0) core.interruptions.delete(run.id);
  for (const message of commit.consumed ?? []) core.consumed.push({ resident, message });
  if (commit.patch?.dueAt !== undefined) resident.rowDueAt = commit.patch.dueAt;
  if (commit.patch?.note !== undefined) resident.rowNote = commit.patch.note;
  if (machine.outcome) {
    drop(core, resident);
    core.onEnded({ runId: run.id, status: machine.outcome.status, output: commit.patch?.output ?? new Uint8Array() });
    return;
  }
  resident.mode = "idle";
  for (const op of conflicts) addReady(core, resident, { event: { type: "hook_conflict", op }, payload: "" });
  beginEffects(core, resident, asks, attempts);
  if (resident.ready.length > 0) core.turns.schedule(resident);
  else if (resident.attempting.size === 0) rest(core, resident);
}

/** Nothing is under way: from now on the run only waits. */
function rest(core: Core, resident: Resident): void {
  core.residents.touch(resident);
  giveBackIfStranded(core, resident);
}

/** A run that needs a step which this process does not have, and that has nothing else under way here, is another worker's. */
export function giveBackIfStranded(core: Core, resident: Resident): void {
  if (resident.missingStep === null || resident.attempting.size > 0) return;
  const reason = `STEP_NOT_FOUND: waits for a worker that has the step ${resident.missingStep}`;
  void giveBack(core, resident, { note: reason, dueAt: Date.now() + core.options.leaseMs });
}
