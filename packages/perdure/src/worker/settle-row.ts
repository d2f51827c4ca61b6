import type { Commit, HistoryPage, HookRecord } from "@perdure/world";

import { each } from "../few.ts";
import { toBytes } from "../run-input.ts";
import type { Core } from "./core.ts";
import { markOf, noteOf } from "./note.ts";
import type { Resident } from "./resident.ts";
import { drop, startAgain } from "./trouble.ts";
import { patchOf } from "./turn-commit.ts";

/**
 * Makes the World's record of a replayed run say what its history does, where that is not so: a run that was opened again, or is a fork, holds no hooks, and one that was amended is due at once,
 * without a note. Where the answer to the commit that asked for a hook was lost with its worker, it is asked for again. Returns the hooks that the run holds then.
 */
export async function settleRow(core: Core, resident: Resident, { hooks, messages }: HistoryPage): Promise<HookRecord[]> {
  const missing = missingHooks(resident, hooks);
  // While an attempt is to be made, or there is something to take in, a turn will say it.
  const isQuiet = messages.length === 0 && noteOf(resident.machine) !== null;
  const patch = isQuiet ? patchOf(resident) : null;
  if (missing.length === 0 && patch === null) return hooks;
  const { run, committed } = resident;
  const commit: Commit = {
    runId: run.id,
    fence: run.fence,
    worker: core.id,
    base: committed,
    rows: [],
    hooks: missing,
    ...(patch && { patch }),
  };
  const [result] = await core.committer.submit([commit]);
  if (resident.mode === "dropped") return hooks;
  if (result?.status === "failed") throw result.error;
  if (result?.status === "committed") {
    if (patch?.dueAt !== undefined) resident.rowDueAt = patch.dueAt;
    if (patch?.note !== undefined) resident.rowNoteMark = markOf(patch.note);
    return [...hooks, ...missing.filter(({ operation }) => !result.conflicts.includes(operation))];
  }
  if (result?.status === "behind") startAgain(core, resident, "behind");
  else drop(core, resident, "fenced");
  return hooks;
}

function missingHooks({ machine }: Resident, hooks: readonly HookRecord[]): HookRecord[] {
  const held = new Set(hooks.map(({ operation }) => operation));
  const missing: HookRecord[] = [];
  for (const operation of each(machine.pending)) {
    if (operation.kind !== "hook" || held.has(operation.op)) continue;
    const { op, token, metadata } = operation;
    missing.push({ token, operation: op, metadata: metadata === "" ? null : toBytes(metadata) });
  }
  return missing;
}
