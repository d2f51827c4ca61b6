/**
 * What is ready and not committed yet is bounded in bytes: while the World is slow, or a run gets more messages than it can take in, nothing further begins that
 * would add to it. An eighth of what the runs in memory may hold is enough to keep commits full.
 */
import type { Core } from "./core.ts";

/** True when there is too much that waits to be committed: no attempt begins, and messages stay with the World. */
export function isOverloaded({ residents, options }: Pick<Core, "residents" | "options">): boolean {
  return residents.readyLength >= options.maxResidentBytes / 8;
}

/** After commits: what was held back goes on. */
export function goOnIfThereIsRoom(core: Core): void {
  if (isOverloaded(core)) return;
  core.isHeldBack = false;
  core.attempts.resume();
  core.hint();
}
