import type { Machine } from "../engine/machine.ts";

/** One line for people: what an open run waits for, or null while an attempt is under way. */
export function noteOf(machine: Machine): string | null {
  const parts: string[] = [];
  for (const operation of machine.pending.values()) {
    if (operation.kind === "step") {
      if (operation.notBefore === null) return null;
      parts.push(`attempt ${operation.attempt} of ${operation.stepId} at ${new Date(operation.notBefore).toISOString()}`);
    } else if (operation.kind === "wait") {
      parts.push(`sleep until ${new Date(operation.dueAt).toISOString()}`);
    } else {
      parts.push(`hook ${operation.token}`);
    }
  }
  if (parts.length === 0) return "waits for nothing: it awaits a promise that no step, sleep or hook will settle";
  const rest = parts.length > 3 ? ` and ${parts.length - 3} more` : "";
  return `waits for ${parts.slice(0, 3).join(", ")}${rest}`;
}
