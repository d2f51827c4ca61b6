import { each } from "../few.ts";
import type { Machine, PendingOperation, PendingRun } from "./machine.ts";

export type PendingStep = Extract<PendingOperation, { kind: "step" }>;

/** What a worker has to do for an open run: attempts to make, times to watch, hooks to keep, runs to await. In the order of asking. */
export interface Commands {
  readonly steps: readonly PendingStep[];
  readonly waits: readonly { readonly op: string; readonly dueAt: number }[];
  readonly hooks: readonly { readonly op: string; readonly token: string; readonly metadata: string }[];
  readonly runs: readonly PendingRun[];
}

/** The commands follow from the state alone; a replayed run has the same as the resident one. */
export function commandsOf(machine: Machine): Commands {
  const steps: PendingStep[] = [];
  const waits: Commands["waits"][number][] = [];
  const hooks: Commands["hooks"][number][] = [];
  const runs: PendingRun[] = [];
  if (machine.outcome) return { steps, waits, hooks, runs };
  for (const operation of each(machine.pending)) {
    if (operation.kind === "step") steps.push(operation);
    else if (operation.kind === "wait") waits.push(operation);
    else if (operation.kind === "hook") hooks.push(operation);
    else runs.push(operation);
  }
  return { steps, waits, hooks, runs };
}

/**
 * When an open run next needs a worker: at once (the run's own clock, which is in the past) while an attempt is to be made, else at the
 * earliest wait, retry or deadline; null when only a message can wake it.
 */
export function dueAtOf(machine: Machine): number | null {
  let due: number | null = machine.deadlineAt;
  for (const operation of each(machine.pending)) {
    const at = operation.kind === "step" ? (operation.notBefore ?? machine.now) : operation.kind === "wait" ? operation.dueAt : null;
    if (at !== null && (due === null || at < due)) due = at;
  }
  return due;
}
