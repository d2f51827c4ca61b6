/**
 * Runs that a crowded worker gives back with the commit after which they rest: a storm of runs that sleep, or wait for hooks, is written once and not twice, and
 * makes no room by throwing out others.
 */
import { dueAtOf } from "../engine/commands.ts";
import type { Core } from "./core.ts";
import type { ClosedTurn } from "./turn.ts";

/** Makes a turn's commit give the run back, if the worker has many runs and this one nothing to do here for as long as it might stay in memory. */
export function partIfCrowded(core: Core, turn: ClosedTurn): void {
  if (isCrowded(core) && rests(core, turn)) Object.assign(turn.commit, { patch: { ...turn.commit.patch, release: true } });
}

/** Half of the room is taken: the other half is for runs that have something to do. */
function isCrowded({ residents, options }: Core): boolean {
  return residents.size > options.maxResidentRuns / 2 || residents.bytes > options.maxResidentBytes / 2;
}

function rests({ options }: Core, { resident, commit }: ClosedTurn): boolean {
  const { machine } = resident;
  if (commit.rows.length === 0 || commit.runs || machine.outcome || resident.ready.length > 0 || resident.attempting !== null) return false;
  const due = dueAtOf(machine);
  return due === null || due > machine.now + options.idleMs;
}
