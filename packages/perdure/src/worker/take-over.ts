import type { ClaimedRun, HistoryPage, ReceivedMessage, RunRecord } from "@perdure/world";

import type { Event, UntimedEvent } from "../engine/event.ts";
import { PerdureError } from "../errors/perdure-error.ts";
import { decodeRunInput, type RunInput } from "../run-input.ts";
import { giveBackIfStranded } from "./commit-turns.ts";
import type { Core } from "./core.ts";
import { beginningOf, isRecent } from "./deferral.ts";
import { monotonicNow } from "../host-timers.ts";
import type { WorkflowBundle, WorkflowInPlace } from "../registry.ts";
import { observed } from "./observe/observation.ts";
import type { Told } from "./observe/observer.ts";
import { goOnIfThereIsRoom, isOverloaded } from "./pressure.ts";
import { giveBackIfAtRest } from "./stop.ts";
import { addReady, resumeEffects, watchDeadline } from "./effects.ts";
import { doneIn, eventOf } from "./messages.ts";
import type { ReadyEvent } from "./ready-event.ts";
import { each } from "../few.ts";
import { readRows, replay } from "./replay.ts";
import { settleRow } from "./settle-row.ts";
import { createResident, type Resident } from "./resident.ts";
import { abandon, drop, giveBack, giveBackLacking, handleTrouble } from "./trouble.ts";

/** So often may a run lose its worker without getting on before it is stopped: it may be the run that ends the process. */
const maxCrashes = 10;
/** From this many on the run waits for a while, a random one, so that runs which went down with a guilty one get on without it. */
const suspectCrashes = 3;

/** Takes a new run in, which this worker created and therefore owns. @returns a promise where it takes longer */
export function admit(core: Core, run: RunRecord, askedAt: number): Promise<void> | null {
  // Claimed before the answer to its creation came: what is claimed last counts.
  if (core.residents.find(run.id)) return null;
  const input = decodeRunInput(run.input);
  const { args } = input;
  const resident = createResident(run, input, core.leases.of(run.id));
  resident.provenIn = provenIn(resident, askedAt);
  const at = beginningOf(run.id, input);
  // Due at once, whatever the World's clock calls it.
  if (at !== null) resident.rowDueAt = at;
  core.residents.add(resident);
  const goOn = (hasPlace: boolean): void => {
    if (hasPlace) begin(core, resident, args, at !== null && isRecent(at) ? at : null);
  };
  const made = makePlace(core, resident);
  if (made instanceof Promise) return made.then(goOn);
  goOn(made);
  return null;
}

/** Rebuilds a claimed run from its history and sets it going. */
export async function takeOver(core: Core, { run, isTakeover, crashes: crashesSinceRow, page: known }: ClaimedRun): Promise<void> {
  core.observation.tell?.({ type: "run_claimed", fence: run.fence, isTakeover, crashes: crashesSinceRow, ...observed(run) });
  const input = decodeRunInput(run.input);
  const resident = createResident(run, input, core.leases.of(run.id));
  // Another worker had it meanwhile, and this one did not notice.
  const former = core.residents.find(run.id);
  if (former) drop(core, former, "fenced");
  resident.provenIn = resident.lease.lapses;
  core.residents.add(resident);
  const page = known ?? (await core.world.load(run.id));
  if (isDropped(resident)) return;
  const crashes = crashesSinceRow + crashesBefore(page);
  resident.crashes = crashes;
  if (crashes >= maxCrashes) {
    resident.committed = page.rows.length;
    await abandon(
      core,
      resident,
      new PerdureError("RUN_CRASHES_WORKER", `Run "${run.key ?? run.id}" lost its worker ${crashes} times without getting on.`),
    );
    return;
  }
  if (isTakeover && crashes >= suspectCrashes) {
    resident.committed = page.rows.length;
    const waitMs = 1000 * 2 ** (crashes - suspectCrashes) * (0.5 + Math.random());
    await giveBack(core, resident, {
      note: `lost its worker ${crashes} times without getting on; waits before the next try`,
      dueAt: Math.round(Date.now() + Math.min(60_000, waitMs)),
    });
    return;
  }
  if (await core.upgrades.upgrade(run, page)) {
    drop(core, resident, "upgraded");
    core.hint();
    return;
  }
  if (isDropped(resident) || !(await makePlace(core, resident))) return;
  await resume(core, resident, page, input);
}

/** To a World every row shows that a run got on; reports of progress alone do not, and keep the number. */
function crashesBefore({ rows }: HistoryPage): number {
  const last = rows.length > 0 ? readRows(rows.slice(-1))[0] : undefined;
  return last?.event.type === "step_progress" ? (last.event.crashes ?? 0) : 0;
}

async function resume(core: Core, resident: Resident, page: HistoryPage, input: Required<RunInput>): Promise<void> {
  const { args } = input;
  const startedAt = monotonicNow();
  try {
    const rows = readRows(page.rows);
    resident.committed = rows.length;
    for (const { data } of page.rows) resident.seenBytes += data.length;
    core.residents.weigh(resident);
    await replay(core.realm, core.turns, resident, rows, args, input.reseeds);
  } catch (error) {
    await handleTrouble(core, resident, error);
    return;
  }
  if (resident.mode === "dropped") return;
  if (page.rows.length === 0) {
    // Another owner may have delivered the beginning, and made attempts for it, before it lost the run.
    begin(core, resident, args, resident.run.fence > 1 ? beginningOf(resident.run.id, input) : null);
  } else {
    core.observation.tell?.(replayed(resident, monotonicNow() - startedAt));
    // (While it is replaying nothing else commits for it.)
    const held = await settleRow(core, resident, page);
    if (isDropped(resident)) return;
    resident.mode = "idle";
    for (const ready of unsaid(resident, { ...page, hooks: held })) addReady(core, resident, ready);
    resumeEffects(core, resident, doneIn(page.messages));
  }
  core.residents.weigh(resident);
  for (const message of page.messages) receive(core, resident, message);
  if (core.isHeldBack) goOnIfThereIsRoom(core);
  if (resident.ready.length > 0) core.turns.schedule(resident);
  else if (core.stopping) giveBackIfAtRest(core, resident);
  else giveBackIfStranded(core, resident);
}

function replayed({ run, committed, seenBytes }: Resident, ms: number): Told {
  return { type: "run_replayed", rows: committed, bytes: seenBytes, ms, ...observed(run) };
}

/** @param at when, if the run's record says so */
function begin(core: Core, resident: Resident, args: string, at: number | null): void {
  core.observation.tell?.({ type: "run_started", ...observed(resident.run) });
  resident.mode = "idle";
  const event: Event | UntimedEvent = at === null ? { type: "run_started" } : { type: "run_started", at };
  addReady(core, resident, { event, payload: args });
  watchDeadline(core, resident);
}

/** Finds the run's code and makes its place in the realm. False when it has none, and the run is dealt with, also by whoever has dropped the copy meanwhile. */
function makePlace(core: Core, resident: Resident): boolean | Promise<boolean> {
  const { workflowId, version } = resident.run;
  try {
    const found = core.bundles.find(workflowId, version);
    const handle = found instanceof Promise ? found.then((bundle) => createIn(core, resident, bundle)) : createIn(core, resident, found);
    if (!(handle instanceof Promise)) return settle(core, resident, handle);
    return handle.then(
      (one) => settle(core, resident, one),
      async (error: unknown) => giveUp(core, resident, error),
    );
  } catch (error) {
    return giveUp(core, resident, error);
  }
}

/** Null: nobody wants it any more. */
function createIn(core: Core, resident: Resident, code: WorkflowBundle | WorkflowInPlace): number | null | Promise<number> {
  return core.stopping || isDropped(resident) ? null : createPlace(core, resident, code);
}

/** Makes a run's place in the realm. @throws PROTOCOL_UNSUPPORTED, or a SyntaxError of the bundle */
export function createPlace(
  core: Core,
  { run, seed, maxValueBytes }: Resident,
  code: WorkflowBundle | WorkflowInPlace,
): number | Promise<number> {
  const { id, key, workflowId } = run;
  return core.realm.create(code, { id, name: key ?? id, workflowId, seed, maxValueBytes });
}

/** What {@link Resident.provenIn} is for a run that was created by a call that began then. */
export function provenIn({ lease }: Resident, askedAt: number): number {
  return askedAt > lease.lapsedAt ? lease.lapses : -1;
}

function settle(core: Core, resident: Resident, handle: number | null): boolean {
  if (handle === null) return false;
  if (isDropped(resident)) {
    core.realm.drop(handle);
    return false;
  }
  resident.handle = handle;
  return !core.stopping;
}

async function giveUp(core: Core, resident: Resident, error: unknown): Promise<boolean> {
  if (isDropped(resident)) return false;
  const { run } = resident;
  const note = error instanceof PerdureError ? `${error.code}: ${error.message}` : `The workflow's code cannot be loaded: ${String(error)}`;
  const { rows, messages } = await core.world.load(run.id);
  resident.committed = rows.length;
  if (!isDropped(resident)) await giveBackLacking(core, resident, { what: run.version, note, isWoken: messages.length > 0 });
  return false;
}

/** (A function, because it changes under the hand of whoever awaits something.) */
function isDropped({ mode }: Resident): boolean {
  return mode === "dropped";
}

/**
 * What a crash came before the event of: a hook whose token another run holds, a run whose id had to be new and was. (A commit that could not start it has left a message.)
 */
export function unsaid({ machine }: Resident, page: HistoryPage): ReadyEvent[] {
  const held = new Set(page.hooks.map((hook) => hook.operation));
  const refused = new Set(page.messages.flatMap(({ kind, operation }) => (kind === "ended" ? [operation] : [])));
  const ready: ReadyEvent[] = [];
  for (const operation of each(machine.pending)) {
    const { kind, op } = operation;
    if (kind === "hook" && !held.has(op)) ready.push({ event: { type: "hook_conflict", op }, payload: "" });
    if (kind === "run" && operation.isUnsure && !refused.has(op)) ready.push({ event: { type: "run_accepted", op }, payload: "" });
  }
  return ready;
}

/** Takes in a message from outside, once. False when there is nothing to do for it, now or later. */
export function receive(core: Core, resident: Resident, message: ReceivedMessage): boolean {
  if (resident.mode === "parked" || resident.mode === "dropped" || resident.messages?.has(message.id)) return false;
  const ready = eventOf(message);
  if (!ready) return false;
  // What comes while a run is rebuilt would stand before its beginning, and before what was there when it was loaded.
  if (resident.mode === "replaying" || (ready.event.type === "hook_received" && isOverloaded(core))) {
    // The World shows it again, and all that came after it.
    core.isHeldBack = true;
    return true;
  }
  (resident.messages ??= new Set()).add(message.id);
  resident.rowDueAt = Date.now();
  addReady(core, resident, ready);
  return true;
}

/** A run that cannot be taken over now is offered to all workers again. */
export function takeOverFailed(core: Core, run: RunRecord, error: unknown): void {
  core.observation.warn(`Taking over run "${run.id}" failed and will be tried again: ${String(error)}`);
  const resident = core.residents.find(run.id);
  // Another copy is that of a later claim.
  if (resident?.run.fence === run.fence) drop(core, resident, "unavailable");
  core.releases.add({ runId: run.id, fence: run.fence });
}
