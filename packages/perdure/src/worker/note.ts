import { decode } from "../codec/index.ts";
import type { Machine, PendingOperation } from "../engine/machine.ts";

/** How many operations a note names; the others are counted. */
const mostNamed = 3;

/** One line for people: what an open run waits for, or null while an attempt is under way. */
export function noteOf(machine: Machine): string | null {
  const named: string[] = [];
  for (const operation of machine.pending.values()) {
    if (operation.kind === "step" && operation.notBefore === null) return null;
    if (named.length < mostNamed) named.push(describe(operation));
  }
  if (named.length === 0) return "waits for nothing: it awaits a promise that no step, sleep or hook will settle";
  const others = machine.pending.size - named.length;
  return `waits for ${named.join(", ")}${others > 0 ? ` and ${others} more` : ""}`;
}

function describe(operation: PendingOperation): string {
  switch (operation.kind) {
    case "step":
      return `attempt ${operation.attempt} of ${operation.stepId} at ${new Date(operation.notBefore ?? 0).toISOString()}`;
    case "wait":
      return `sleep until ${new Date(operation.dueAt).toISOString()}`;
    case "hook":
      return `hook ${operation.token}`;
    case "run":
      return `run ${operation.run}`;
    default:
      return operation satisfies never;
  }
}

/** `TypeError: x is not a function`: one line for lists of runs. */
export function describeError(encoded: string): string {
  const error = decode(encoded);
  const line = error instanceof Error ? `${error.name}: ${error.message}` : `threw ${String(error)}`;
  return line.slice(0, 500);
}
