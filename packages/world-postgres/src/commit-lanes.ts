import { WorldError } from "@perdure/world";

/** Deals runs out among lanes by the last digit of their ids, which is chance. @throws WORLD_INVALID_ARGUMENT */
export function createCommitLanes(lanes = 2): (runId: string) => string {
  if (!Number.isInteger(lanes) || lanes < 1 || lanes > 4) {
    throw new WorldError("WORLD_INVALID_ARGUMENT", `commitLanes is ${lanes}.`, { hint: "Pass a whole number from 1 to 4." });
  }
  return (runId) => String(Number.parseInt(runId.slice(-1), 16) % lanes);
}
