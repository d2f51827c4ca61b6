/**
 * A run's first turn, while it asks for nothing but steps, is not committed by itself: its row goes with the next one, and a run is one commit shorter.
 *
 * The rule that history comes before effects holds for what cannot be told again. This turn can: it follows from the run's record alone, as long as its time does,
 * too, which is therefore the one in the run's id. A process that dies with a row that was not written leaves a run without history, whose next owner delivers the
 * same event at the same time to the same code, and makes the same attempts, as after any crash while steps are under way.
 */
import type { RunInput } from "../run-input.ts";
import type { Core } from "./core.ts";
import { beginEffects } from "./effects.ts";
import type { ClosedTurn } from "./turn.ts";

/** When a run began that was to begin at once: the time in its id, by the clock of the process that started it. Null: only its first row says. */
export function beginningOf(runId: string, { startAt }: Pick<Required<RunInput>, "startAt">): number | null {
  return startAt === null ? timeOf(runId) : null;
}

/** The time in an id that is a UUID of version 7. */
function timeOf(id: string): number | null {
  if (id.charAt(14) !== "7") return null;
  const time = Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
  return Number.isNaN(time) ? null : time;
}

/** How far the clock of a run may lag behind at its beginning, ms. */
const mostLagMs = 1000;

/** Whether a run that began then may still say so. */
export function isRecent(at: number): boolean {
  return Math.abs(Date.now() - at) <= mostLagMs;
}

/** Whether a turn may wait for the run's next commit. */
export function mayBeDeferred(core: Core, { resident, commit, asks, logs, isBeginning }: ClosedTurn): boolean {
  if (!isBeginning || core.stopping || logs.length > 0 || commit.patch || commit.chunks) return false;
  return asks.length > 0 && asks.every(({ kind }) => kind === "step") && resident.machine.outcome === null;
}

/** Goes on with a turn as if it had been committed; its row waits. */
export function defer(core: Core, { resident, commit, asks, attempts }: ClosedTurn): void {
  resident.deferred = commit.rows;
  resident.mode = "idle";
  core.deferrals.add(resident);
  beginEffects(core, resident, asks, attempts);
  core.residents.weigh(resident);
  if (resident.ready.length > 0) core.turns.schedule(resident);
}
