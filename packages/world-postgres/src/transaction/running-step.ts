/**
 * What the runtime says of the attempt under way. It is not a dependency: it leaves its AsyncLocalStorage under a global symbol, whose store has `running`
 * (docs/decisions/0017-effects.md).
 */

import type { World } from "@perdure/world";

/** The attempt of a step that calls. */
export interface RunningStep {
  readonly world: World;
  /** The World's own id of the run. */
  readonly runId: string;
  /** Names the call of the step in its run, the same for each attempt. */
  readonly operation: string;
  /** With which the run was claimed. */
  readonly fence: number;
  /** Aborted when nobody wants the outcome any more. */
  readonly signal: AbortSignal;
  /** A value as the results of steps are stored. @throws SERIALIZATION_FAILED, VALUE_TOO_LARGE */
  encode(value: unknown): string | Promise<string>;
  decode(text: string): unknown;
}

interface StepContext {
  readonly running: RunningStep;
}

const key = Symbol.for("perdure.step");

/** The context of the attempt that calls, one object per attempt; null outside of a step. */
export function stepContext(): StepContext | null {
  const { [key]: storage } = globalThis as { [key]?: { getStore(): StepContext | undefined } };
  return storage?.getStore() ?? null;
}
