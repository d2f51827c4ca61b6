import { createHmac } from "node:crypto";

import { v7 as uuidV7 } from "uuid";

import type { Sources } from "../sandbox/kernel/run-state.ts";

/** Names made of a run's seed, which nobody else knows: unguessable, and the same each time. */
export function createSources(seedOf: (runId: string) => string): Sources {
  return {
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
