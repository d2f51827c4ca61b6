import { createHmac } from "node:crypto";

import { v7 as uuidV7 } from "uuid";

import { defaultBasePath } from "../config.ts";
import type { RunInput } from "../run-input.ts";
import type { Sources } from "../sandbox/kernel/run-state.ts";

/** Names made of a run's seed, which nobody else knows: unguessable, and the same each time. */
export function createSources(inputOf: (runId: string) => Pick<RunInput, "seed" | "address"> | undefined): Sources {
  const seedOf = (runId: string): string => inputOf(runId)?.seed ?? "";
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
