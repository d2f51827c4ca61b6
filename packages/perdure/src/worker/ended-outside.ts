import type { Core } from "./core.ts";
import { drop, ended } from "./trouble.ts";

/**
 * A run in memory may have been ended by somebody else (`run.terminate()`, a start that replaces it): its copy is dropped and whoever waits is told. A
 * turn that is under way finds out by its commit.
 */
export async function forgetIfEnded(core: Core, runId: string): Promise<void> {
  if (core.residents.find(runId)?.mode !== "idle") return;
  const [run] = await core.world.query.runsById([runId]);
  const resident = core.residents.find(runId);
  if (!run || run.status === "running" || resident?.mode !== "idle") return;
  drop(core, resident, null);
  ended(core, resident.run, { runId, status: run.status, output: run.output ?? new Uint8Array(), successor: run.successor });
}
