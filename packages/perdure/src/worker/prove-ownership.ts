import type { Commit } from "@perdure/world";

import { monotonicNow, setTimeout } from "../host-timers.ts";
import type { Core } from "./core.ts";
import { byLane } from "./lanes.ts";
import type { Resident } from "./resident.ts";
import { drop, startAgain } from "./trouble.ts";

/** How long a lapse is looked into where one of several lanes may not answer. */
const laneMs = 1000;

/** After a lapse: renews the lease and asks the World, by commits that change nothing, which of the runs with work to do are still this worker's. */
export async function proveOwnership(core: Core): Promise<void> {
  const startedAt = monotonicNow();
  core.lapses++;
  core.observation.tell?.({ type: "lease_lapsed" });
  await core.world.heartbeat(core.id, core.options.leaseMs);
  const residents = [...core.residents.all()].filter((resident) => resident.mode === "idle" && resident.attempting !== null);
  // As in a turn: no other commit of these runs may be made meanwhile.
  for (const resident of residents) resident.mode = "turning";
  const lanes = byLane(core.world, residents, ({ run }) => run.id).map((lane) => proveLane(core, lane));
  // Runs of a lane that does not answer wait for it as in any commit; the others do not.
  await (core.world.laneOf
    ? Promise.race([Promise.all(lanes), new Promise((resolve) => void setTimeout(resolve, laneMs).unref())])
    : Promise.all(lanes));
  core.lease.renewed(startedAt);
}

/**
 * The same for one run, of which a lapse has left open whose it is: its commit, its replay or its pause was under way when the others were asked for. A commit that had been
 * written before, and whose answer was lost, is acknowledged also to a worker that has lost the run since.
 */
export async function proveRun(core: Core, resident: Resident): Promise<void> {
  // A commit that is under way tells; then it is asked for again.
  if (resident.mode !== "idle") return;
  resident.mode = "turning";
  await proveLane(core, [resident]);
  core.attempts.resume();
}

async function proveLane(core: Core, residents: readonly Resident[]): Promise<void> {
  const { lapses } = core;
  const results = residents.length > 0 ? await core.committer.submit(residents.map((resident) => proofOf(core, resident))) : [];
  residents.forEach((resident, index) => {
    const status = results[index]?.status;
    if (status === "committed") goOn(core, resident, lapses);
    else if (status === "behind") startAgain(core, resident, "behind");
    else drop(core, resident, "fenced");
  });
}

function proofOf(core: Core, { run, committed }: Resident): Commit {
  return { runId: run.id, fence: run.fence, worker: core.id, base: committed, rows: [] };
}

function goOn(core: Core, resident: Resident, lapses: number): void {
  if (resident.mode === "dropped") return;
  resident.provenIn = lapses;
  resident.mode = "idle";
  if (resident.ready.length > 0) core.turns.schedule(resident);
}
