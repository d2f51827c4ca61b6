import { WorldError } from "@perdure/world";

/** Several batches on the way to one server. */
export interface CommitLanes {
  /** Dealt out by the last digit of an id, which is chance. */
  of(runId: string): string;
  readonly all: readonly string[];
}

/** @throws WORLD_INVALID_ARGUMENT */
export function createCommitLanes(lanes = 2): CommitLanes {
  if (!Number.isInteger(lanes) || lanes < 1 || lanes > 4) {
    throw new WorldError("WORLD_INVALID_ARGUMENT", `commitLanes is ${lanes}.`, { hint: "Pass a whole number from 1 to 4." });
  }
  const all = Array.from({ length: lanes }, (_, lane) => String(lane));
  return { of: (runId) => all[Number.parseInt(runId.slice(-1), 16) % lanes] ?? "0", all };
}
