import type { Commit, CommitResult, RunPatch } from "@perdure/world";

import { encodeThrown } from "../codec/index.ts";
import { Divergence } from "../engine/machine.ts";
import { encodeRow } from "../engine/row.ts";
import { CancelledError } from "../errors/cancelled-error.ts";
import { PerdureError } from "../errors/perdure-error.ts";
import { setTimeout } from "../host-timers.ts";
import { none } from "../lists.ts";
import { toBytes, toText } from "../run-input.ts";
import { Interrupted } from "../sandbox/realm.ts";
import type { Core, EndedRun } from "./core.ts";
import { observed, withError } from "./observe/observation.ts";
import type { ReleaseReason } from "./observe/observer.ts";
import { cancelChildren, partingMessages } from "./other-runs.ts";
import { each } from "../few.ts";
import type { Resident } from "./resident.ts";
import type { ResidentRun } from "./resident-run.ts";
import { describeError } from "./note.ts";
import { withDeferred } from "./turn-commit.ts";

/** Forgets this worker's copy of a run. The World's record is as it is. @param reason null when the run is over, which is told for itself */
export function drop(core: Core, resident: Resident, reason: ReleaseReason | null): void {
  if (resident.mode === "dropped") return;
  resident.mode = "dropped";
  resident.ready = none;
  for (const timer of each(resident.timers)) core.timers.cancel(timer);
  resident.timers = null;
  const why = reason === null ? "the run is over" : "this worker does not have the run any more";
  for (const attempt of each(resident.attempting)) attempt.cancel(new CancelledError(why));
  core.attempts.askAgain(resident);
  core.residents.remove(resident);
  if (resident.handle !== 0) core.realm.drop(resident.handle);
  if (reason !== null) core.observation.tell?.({ type: "run_released", reason, ...observed(resident.run) });
}

/** A run has ended, here or elsewhere: whoever waits for it is told, and whoever observes. */
export function ended(core: Core, run: ResidentRun, how: EndedRun): void {
  core.onEnded(how);
  if (!core.observation.tell) return;
  const { status, output, successor } = how;
  const event = { type: "run_ended" as const, status, successor, createdAt: run.createdAt, ...observed(run) };
  core.observation.tell(status === "completed" || output.length === 0 ? event : withError(event, toText(output), run, core.bundles));
}

/** What went wrong with one run, and with that run alone. A copy that was dropped meanwhile has nothing to say. */
export async function handleTrouble(core: Core, resident: Resident, error: unknown): Promise<void> {
  if (resident.mode === "dropped") return;
  if (error instanceof Divergence) await park(core, resident, error);
  else if (error instanceof Interrupted && isWorthAnotherTry(core, resident)) startAgain(core, resident, "interrupted");
  else await abandon(core, resident, error);
}

/** A process that is stopped once and again by its machine does not show it three times in a row with one run. */
function isWorthAnotherTry({ interruptions }: Core, { run }: Resident): boolean {
  const count = (interruptions.get(run.id) ?? 0) + 1;
  if (count < 3) interruptions.set(run.id, count);
  else interruptions.delete(run.id);
  return count < 3;
}

/** Drops the copy and lets any worker, this one too, go on from the World's history. */
export function startAgain(core: Core, resident: Resident, reason: ReleaseReason): void {
  drop(core, resident, reason);
  release(core, resident, Date.now());
}

/** Fails a run that the runtime cannot carry on. The history keeps what was committed, and ends with the reason. */
export async function abandon(core: Core, resident: Resident, error: unknown): Promise<void> {
  const payload = encodeThrown(error);
  const at = Math.max(resident.machine.now, Date.now());
  const row = encodeRow({ event: { type: "run_abandoned", at }, asks: [], payload });
  const patch: RunPatch = { status: "failed", output: toBytes(payload), note: describeError(payload) };
  drop(core, resident, null);
  const messages = partingMessages(resident.machine);
  const result = await submit(core, {
    ...leaseOf(core, resident),
    rows: withDeferred(resident, [toBytes(row)]),
    patch,
    ...(messages.length > 0 && { messages }),
  });
  // A run whose code was not executed again may have children that nobody here knows of.
  if (result?.status === "committed" && resident.machine.length === 0)
    await cancelChildren(core.world, resident.run.id).catch((error: unknown) => {
      core.observation.warn(`The children of run "${resident.run.id}", which was given up, could not be asked to end: ${String(error)}`);
    });
  if (result?.status === "committed")
    ended(core, resident.run, { runId: resident.run.id, status: "failed", output: toBytes(payload), successor: null });
  else if (result?.status === "behind") release(core, resident);
  else if (result?.status === "failed") release(core, resident, at + 60_000);
}

/**
 * Stops a run whose code and history disagree. It stays this worker's, untouched, until the worker ends, so that nobody replays it over and over;
 * its note says what differs.
 */
async function park(core: Core, resident: Resident, divergence: Divergence): Promise<void> {
  const { run } = resident;
  const message = `The code of run "${run.key ?? run.id}" (${run.workflowId}) did something else than its history says: the history has "${divergence.recorded}", the code "${divergence.actual}".`;
  const error = new PerdureError("NONDETERMINISM", message, { cause: divergence });
  core.observation.warn(error.message);
  core.observation.tell?.({ type: "run_parked", reason: divergence.message, ...observed(run) });
  resident.mode = "parked";
  resident.ready = none;
  core.realm.drop(resident.handle);
  resident.handle = 0;
  resident.seenBytes = 0;
  core.residents.weigh(resident);
  core.attempts.askAgain(resident);
  const patch = { dueAt: null, note: `NONDETERMINISM: ${divergence.message}` };
  const result = await submit(core, { ...leaseOf(core, resident), rows: withDeferred(resident, []), patch });
  if (result?.status === "fenced") drop(core, resident, "fenced");
  else if (result?.status === "behind") startAgain(core, resident, "behind");
}

/** Drops the copy and lets any worker have the run, at `dueAt`. @param keptMs how long this worker stays its owner all the same */
export async function giveBack(
  core: Core,
  resident: Resident,
  patch: { readonly note: string; readonly dueAt: number },
  keptMs = 0,
): Promise<void> {
  drop(core, resident, "unavailable");
  const result = await submit(core, { ...leaseOf(core, resident), rows: [], patch });
  if (result === null || result.status === "fenced") return;
  if (keptMs <= 0) release(core, resident);
  else setTimeout(() => releaseUnlessStopped(core, resident), keptMs).unref();
}

/** A worker that has ended has given back all that it had. */
function releaseUnlessStopped(core: Core, resident: Resident): void {
  if (!core.signal.aborted) release(core, resident);
}

/** What a run needs and this process does not have. */
interface Lack {
  /** The version, the step, whatever it is: one name for all runs that need it. */
  readonly what: string;
  readonly note: string;
  /** Whether messages wait for the run, which nobody can take without it. */
  readonly isWoken: boolean;
}

/** Drops the copy and lets any worker have the run, after an interval that grows for as long as it is lacking. */
export async function giveBackLacking(core: Core, resident: Resident, { what, note, isWoken }: Lack): Promise<void> {
  const { dueAt, isFirst } = core.shortages.of(what);
  if (isFirst) core.observation.warn(`Run "${resident.run.key ?? resident.run.id}": ${note}`);
  // Messages keep a run due: given back at once it would be claimed again at once.
  await giveBack(core, resident, { note, dueAt }, isWoken ? dueAt - Date.now() : 0);
}

/** Gives the lease of a dropped run back; with `dueAt`, its due time too. */
function release(core: Core, { run }: Resident, dueAt?: number): void {
  core.releases.add({ runId: run.id, fence: run.fence, ...(dueAt !== undefined && { dueAt }) });
}

function leaseOf(core: Core, { run, committed }: Resident): Pick<Commit, "runId" | "fence" | "worker" | "base"> {
  return { runId: run.id, fence: run.fence, worker: core.id, base: committed };
}

/** Null when the worker was stopped before the World answered. */
async function submit(core: Core, commit: Commit): Promise<CommitResult | null> {
  try {
    const [result] = await core.committer.submit([commit]);
    return result ?? null;
  } catch {
    return null;
  }
}
