import { createHmac } from "node:crypto";

import { placedToken, slotOf, withSlot } from "@perdure/world";
import { v7 as uuidV7 } from "uuid";

import { defaultBasePath } from "../config.ts";
import type { RunInput } from "../run-input.ts";
import type { Sources } from "../sandbox/kernel/run-state.ts";

/**
 * Names made of a run's seed, which nobody else knows: unguessable, and the same each time.
 *
 * @param isPlaced whether the World says where runs live: then runs and tokens of a run bear its slot, and live with it
 */
export function createSources(inputOf: (runId: string) => Pick<RunInput, "seed" | "address"> | undefined, isPlaced = false): Sources {
  const seedOf = (runId: string): string => inputOf(runId)?.seed ?? "";
  const sources = unplacedSources(inputOf, seedOf);
  if (!isPlaced) return sources;
  return {
    addressOf: sources.addressOf,
    tokenFor: (runId, op) => placedToken(sources.tokenFor(runId, op), runId),
    runIdFor: (runId, op, at) => withSlot(sources.runIdFor(runId, op, at), slotOf(runId)),
  };
}

function unplacedSources(
  inputOf: (runId: string) => Pick<RunInput, "seed" | "address"> | undefined,
  seedOf: (runId: string) => string,
): Sources {
  return {
    addressOf: (runId) => inputOf(runId)?.address ?? defaultBasePath,
    tokenFor: (runId, op) => createHmac("sha256", seedOf(runId)).update(op).digest("base64url").slice(0, 27),
    runIdFor: (runId, op, at) => uuidV7({ msecs: at, random: derive(seedOf(runId), `id of ${op}`).subarray(0, 16) }),
  };
}

/** The seed of a run that another one starts: 32 hex digits. */
export function seedOfChild(seed: string, op: string): string {
  return derive(seed, `seed of ${op}`).toString("hex").slice(0, 32);
}

function derive(seed: string, purpose: string): Buffer {
  return createHmac("sha256", seed).update("run\n").update(purpose).digest();
}
