import type { Commit } from "@perdure/world";

import { monotonicNow } from "../host-timers.ts";
import type { Core } from "./core.ts";
import type { Resident } from "./resident.ts";
import { drop, startAgain } from "./trouble.ts";

/** After a lapse: renews the lease and asks the World, by commits that change nothing, which of the runs with work to do are still this worker's. */
export async function proveOwnership(core: Core): Promise<void> {
  const startedAt = monotonicNow();
  core.observation.tell?.({ type: "lease_lapsed" });
  await core.world.heartbeat(core.id, core.options.leaseMs);
  const residents = [...core.residents.all()].filter((resident) => resident.mode === "idle" && resident.attempting !== null);
  // As in a turn: no other commit of these runs may be made meanwhile.
  for (const resident of residents) resident.mode = "turning";
  const results = residents.length > 0 ? await core.committer.submit(residents.map((resident) => proofOf(core, resident))) : [];
  residents.forEach((resident, index) => {
    const status = results[index]?.status;
    if (status === "committed") goOn(core, resident);
    else if (status === "behind") startAgain(core, resident, "behind");
    else drop(core, resident, "fenced");
  });
  core.lease.renewed(startedAt);
}

function proofOf(core: Core, { run, committed }: Resident): Commit {
  return { runId: run.id, fence: run.fence, worker: core.id, base: committed, rows: [] };
}

function goOn(core: Core, resident: Resident): void {
  resident.mode = "idle";
  if (resident.ready.length > 0) core.turns.schedule(resident);
}
