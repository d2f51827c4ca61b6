import { WorldError, type Commit, type CommitResult } from "@perdure/world";

import type { Ask } from "../engine/event.ts";
import { markOf } from "./note.ts";
import type { Outcome } from "../engine/machine.ts";
import { PerdureError } from "../errors/perdure-error.ts";
import { byLane } from "../lanes.ts";
import type { Core, EndedRun } from "./core.ts";
import { defer, mayBeDeferred } from "./deferral.ts";
import { addReady, beginEffects } from "./effects.ts";
import { runsOf, startsRuns } from "./other-runs.ts";
import { partIfCrowded } from "./parting.ts";
import { pause } from "./pause.ts";
import { goOnIfThereIsRoom } from "./pressure.ts";
import { giveBackIfAtRest } from "./stop.ts";
import type { Resident } from "./resident.ts";
import { drop, ended, giveBackLacking, handleTrouble, startAgain } from "./trouble.ts";
import { closeTurn, emptyTurn, type ClosedTurn, type Turn } from "./turn.ts";
import { showLogs } from "./workflow-console.ts";

/** Folds the turns of a tick, commits them together, and goes on with each according to the World's answer. Never rejects. */
export async function commitTurns(core: Core, turns: readonly Turn[]): Promise<void> {
  const folded: ClosedTurn[] = [];
  for (const turn of turns) {
    try {
      folded.push(closeTurn(turn, core.id));
    } catch (error) {
      void handleTrouble(core, turn.resident, error);
    }
  }
  await commitFolded(core, folded);
}

/** The same from there on. */
export async function commitFolded(core: Core, turns: readonly ClosedTurn[]): Promise<void> {
  const closed: ClosedTurn[] = [];
  for (const turn of turns) {
    try {
      if (mayBeDeferred(core, turn)) defer(core, turn);
      else if (startsRuns(turn.asks)) void commitStarting(core, turn);
      else {
        partIfCrowded(core, turn);
        closed.push(turn);
      }
    } catch (error) {
      void handleTrouble(core, turn.resident, error);
    }
  }
  await Promise.all(byLane(core.world, closed, ({ resident }) => resident.run.id).map((lane) => commitClosed(core, lane)));
}

/** Writes rows that no other commit of their runs has taken along. */
export function writeDeferred(core: Core, residents: readonly Resident[]): void {
  const turns = residents.map((resident) => emptyTurn(resident, core.id));
  for (const lane of byLane(core.world, turns, ({ resident }) => resident.run.id)) void commitClosed(core, lane);
}

/** The code of the runs that a turn starts is stored first. */
async function commitStarting(core: Core, turn: ClosedTurn): Promise<void> {
  const { resident } = turn;
  try {
    Object.assign(turn.commit, await runsOf(resident, turn.asks, core.bundles));
  } catch (error) {
    if (isUnavailable(error)) {
      void afterPause(core, turn, error, () => commitStarting(core, turn));
      return;
    }
    const note = PerdureError.is(error)
      ? `${error.code}: ${error.message}`
      : `The code of a run to start cannot be stored: ${String(error)}`;
    void giveBackLacking(core, resident, { what: note, note, isWoken: false });
    return;
  }
  await commitClosed(core, [turn]);
}

/** Commits turns of one lane, which have one lease, and goes on with each. Never rejects. */
export async function commitClosed(core: Core, closed: readonly ClosedTurn[]): Promise<void> {
  const [first] = closed;
  if (!first) return;
  const { lapses } = first.resident.lease;
  let results: readonly CommitResult[];
  try {
    results = await core.committer.submit(closed.map(({ commit }) => commit));
  } catch {
    // The worker was stopped while the outcome was unknown: whoever claims the runs next reads it from their histories.
    for (const { resident } of closed) drop(core, resident, "stopping");
    return;
  }
  closed.forEach((turn, index) => settle(core, turn, results[index], lapses));
  if (core.isHeldBack) goOnIfThereIsRoom(core);
}

/** Goes on with a turn according to what became of its commit. @param lapses see `Resident.provenIn` */
export function settle(core: Core, turn: ClosedTurn, result: CommitResult | undefined, lapses: number): void {
  const { resident } = turn;
  switch (result?.status) {
    case "committed":
      acknowledged(core, turn, result, lapses);
      return;
    case "behind":
      // The history is shorter, or longer, than this copy: give the run back and start again from what is there.
      startAgain(core, resident, "behind");
      return;
    case "failed":
      if (isUnavailable(result.error)) void afterPause(core, turn, result.error, () => commitClosed(core, [turn]));
      else void handleTrouble(core, resident, result.error);
      return;
    case "fenced":
    case undefined:
      drop(core, resident, "fenced");
      return;
    default:
      result satisfies never;
  }
}

/** Nothing was written, because a part of the World that the commit needs does not answer: the same may succeed later. */
function isUnavailable(error: unknown): error is WorldError {
  return WorldError.is(error) && error.code === "WORLD_UNAVAILABLE";
}

const firstPauseMs = 100;
const longestPauseMs = 5000;

/** The turn stays as it is, with what its attempts have brought, until the World takes it, the copy is lost, or the worker ends. */
async function afterPause(core: Core, turn: ClosedTurn, error: Error, tryAgain: () => Promise<void>): Promise<void> {
  const { run } = turn.resident;
  // The first speaks for those that wait with it.
  if (core.waitingTurns++ === 0 && turn.failures === 0)
    core.observation.warn(`A commit of run "${run.key ?? run.id}" waits for a part of the World: ${error.message}`);
  const pauseMs = Math.min(longestPauseMs, firstPauseMs * 2 ** turn.failures++) * (0.5 + Math.random());
  const isOver = await pause(pauseMs, core.signal).then(
    () => false,
    () => true,
  );
  core.waitingTurns--;
  if (!isOver && turn.resident.mode !== "dropped") await tryAgain();
}

type Committed = Extract<CommitResult, { status: "committed" }>;

function acknowledged(
  core: Core,
  { resident, commit, asks, attempts, logs }: ClosedTurn,
  { conflicts, existing = [], released }: Committed,
  lapses: number,
): void {
  const { machine, run } = resident;
  if (logs.length > 0) showLogs(core, run, logs);
  resident.committed += commit.rows.length;
  for (const row of commit.rows) resident.seenBytes += row.length;
  if (core.interruptions.size > 0) core.interruptions.delete(run.id);
  for (const message of commit.consumed ?? []) core.consumed.push({ resident, message });
  if (commit.patch?.dueAt !== undefined) resident.rowDueAt = commit.patch.dueAt;
  if (commit.patch?.note !== undefined) resident.rowNoteMark = markOf(commit.patch.note);
  if (machine.outcome) {
    drop(core, resident, null);
    ended(core, run, endOf(run.id, machine.outcome, commit));
    return;
  }
  // Claimed anew meanwhile: the other copy goes on from this commit, or has already.
  if (resident.mode === "dropped") return;
  if (released) {
    drop(core, resident, "idle");
    return;
  }
  resident.mode = "idle";
  resident.provenIn = lapses;
  for (const op of conflicts) addReady(core, resident, { event: { type: "hook_conflict", op }, payload: "" });
  if (commit.runs) acceptStarted(core, resident, asks, existing);
  beginEffects(core, resident, asks, attempts);
  core.attempts.askAgain(resident);
  core.residents.weigh(resident);
  if (resident.ready.length > 0) core.turns.schedule(resident);
  else if (core.stopping) giveBackIfAtRest(core, resident);
  else if (resident.attempting === null) rest(core, resident);
}

function endOf(runId: string, outcome: Outcome, { patch }: Commit): EndedRun {
  const output = patch?.output ?? new Uint8Array();
  if (outcome.status === "continued") return { runId, status: "completed", output, successor: outcome.runId };
  return { runId, status: outcome.status, output, successor: null };
}

/** Runs whose ids had to be new, and were. Of the others a message tells. */
function acceptStarted(core: Core, resident: Resident, asks: readonly Ask[], existing: readonly { readonly id: string }[]): void {
  for (const ask of asks) {
    if (ask.kind !== "start" || ask.run.ifExists !== "fail" || existing.some(({ id }) => id === ask.run.id)) continue;
    addReady(core, resident, { event: { type: "run_accepted", op: ask.op }, payload: "" });
  }
}

/** Nothing is under way: from now on the run only waits. */
function rest(core: Core, resident: Resident): void {
  core.residents.touch(resident);
  giveBackIfStranded(core, resident);
}

/** A run that needs a step which this process does not have, and that has nothing else under way here, is another worker's. */
export function giveBackIfStranded(core: Core, resident: Resident): void {
  if (resident.missingStep === null || resident.attempting !== null) return;
  const note = `STEP_NOT_FOUND: waits for a worker that has the step ${resident.missingStep}`;
  void giveBackLacking(core, resident, { what: resident.missingStep, note, isWoken: false });
}
