import { resumeHook } from "perdure/api";
import { HookNotFoundError } from "perdure/errors";

import { payloadKey, payloadsOf, type PlannedRun } from "./load.ts";
import { isUnavailable } from "./unavailable.ts";

/** Sends payloads to runs that wait on hooks, from outside of them. */
export interface Resumer {
  add(run: PlannedRun): void;
  /** One try for each run that has not got all of its payloads. */
  tryAll(): Promise<void>;
}

export function createResumer(): Resumer {
  const sent = new Map<PlannedRun, number>();

  async function tryOne(run: PlannedRun, from: number): Promise<void> {
    for (const [index, payload] of payloadsOf(run).entries()) {
      if (index < from) continue;
      try {
        await resumeHook(run.key, payload, { key: payloadKey(run, index) });
      } catch (error) {
        // The run has not come to its hook yet; or it has ended, and somebody else has sent all.
        if (HookNotFoundError.is(error) || isUnavailable(error)) return;
        throw error;
      }
      sent.set(run, index + 1);
    }
    sent.delete(run);
  }

  return {
    add: (run) => void sent.set(run, sent.get(run) ?? 0),
    async tryAll() {
      for (const [run, count] of sent) await tryOne(run, count);
    },
  };
}
