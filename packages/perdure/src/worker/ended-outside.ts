import type { Core } from "./core.ts";
import type { Resident } from "./resident.ts";
import { drop, ended } from "./trouble.ts";

/** Whether {@link forgetIfEnded} has anything to look at. */
export function isHeldAtRest(core: Core, runId: string): boolean {
  return isAtRest(core.residents.find(runId));
}

/**
 * A run in memory may have been ended by somebody else (`run.terminate()`, a start that replaces it): its copy is dropped and whoever waits is told. A
 * turn that is under way finds out by its commit. The same for one that was rewound or given another version.
 */
export async function forgetIfEnded(core: Core, runId: string): Promise<void> {
  if (!isAtRest(core.residents.find(runId))) return;
  const [run] = await core.world.query.runsById([runId]);
  const resident = core.residents.find(runId);
  if (!run || !isAtRest(resident)) return;
  if (run.status === "running") {
    // Fences only grow: whoever has the run by this one, it is not this copy.
    if (run.fence > resident.run.fence) drop(core, resident, "fenced");
    return;
  }
  drop(core, resident, null);
  ended(core, resident.run, { runId, status: run.status, output: run.output ?? new Uint8Array(), successor: run.successor });
}

function isAtRest(resident: Resident | undefined): resident is Resident {
  return resident?.mode === "idle" || resident?.mode === "parked";
}
