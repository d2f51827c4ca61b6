/** Attempts of steps without a runtime: what `transaction()` finds under the runtime's global symbol, made by hand. */

import { AsyncLocalStorage } from "node:async_hooks";
import type { World } from "@perdure/world";
import type { RunningStep } from "../../src/transaction/running-step.ts";

const storage = new AsyncLocalStorage<{ readonly running: RunningStep }>();
(globalThis as Record<symbol, unknown>)[Symbol.for("perdure.step")] = storage;

let runs = 0;

/** A run of its own in the World, as a worker has it after its first claim. */
export async function claimedRun(world: World): Promise<string> {
  const id = `018f0000-0000-7000-8000-${(++runs).toString(16).padStart(12, "0")}`;
  await world.createRuns([{ id, key: null, workflowId: "w", version: "v", input: new Uint8Array([1]), dueAt: null }], { owner: "worker" });
  return id;
}

/** Executes `step` as an attempt of the step `op` of a run; each call is another attempt. */
export function attempt<T>(world: World, runId: string, step: () => Promise<T>, rest: Partial<RunningStep> = {}): Promise<T> {
  const running: RunningStep = {
    world,
    runId,
    operation: "step#1",
    fence: 1,
    signal: new AbortController().signal,
    encode: (value) => JSON.stringify({ value }),
    decode: (text) => (JSON.parse(text) as { value: unknown }).value,
    ...rest,
  };
  return storage.run({ running }, step);
}
