/**
 * Whose the runs are. A fence stops a late commit, but no late side effect: an attempt begins only while the lease lasts, and after a lapse only once the World has said, in a
 * call that began after the renewal, that the run is this worker's. Any commit says so; a run without one to make makes one that changes nothing.
 */
import type { Renewal } from "@perdure/world";

import { monotonicNow } from "../host-timers.ts";
import { commitClosed } from "./commit-turns.ts";
import type { Core } from "./core.ts";
import type { Resident } from "./resident.ts";
import { emptyTurn } from "./turn.ts";

/** Renews the worker's leases. @throws what the World throws */
export async function renew(core: Core): Promise<void> {
  const startedAt = monotonicNow();
  renewed(core, startedAt, await core.world.heartbeat(core.id, core.options.leaseMs));
}

/** The World has renewed leases in a call that began at `startedAt`. Where one had lapsed, the runs that have something under way here are asked for. */
export function renewed(core: Core, startedAt: number, renewal: Renewal | void): void {
  if (!core.leases.renewed(startedAt, renewal)) return;
  core.observation.tell?.({ type: "lease_lapsed" });
  for (const resident of core.residents.all()) if (resident.attempting !== null && !isProven(resident)) prove(core, resident);
}

/** Whether the run is this worker's for certain. */
export function isProven({ lease, provenIn }: Resident): boolean {
  return provenIn === lease.lapses && !lease.hasLapsed();
}

/** Asks the World whether the run is this worker's. A commit that is under way tells; when it is acknowledged the attempts of the run ask again. */
export function prove(core: Core, resident: Resident): void {
  if (resident.lease.hasLapsed()) core.hint();
  else if (resident.mode === "idle") void commitClosed(core, [emptyTurn(resident, core.id)]);
}
