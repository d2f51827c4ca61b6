import { commandsOf, type PendingStep } from "../engine/commands.ts";
import type { Ask } from "../engine/event.ts";
import { encode, encodeThrown } from "../codec/index.ts";
import { CancelledError, TimeoutError } from "../errors/cancelled-error.ts";
import { PerdureError } from "../errors/perdure-error.ts";
import { findImplementation } from "../in-place.ts";
import type { Core } from "./core.ts";
import type { ReadyEvent } from "./ready-event.ts";
import type { Resident } from "./resident.ts";
import { signalsOf } from "./run-signals.ts";
import type { RegisteredStep } from "../registry.ts";
import { isAtMostOnce } from "./retry-policy.ts";
import { find, put, without } from "../few.ts";
import { append } from "../lists.ts";
import { RunTimer, type TimedAction } from "./run-timer.ts";

/** Begins what an acknowledged turn asked for: attempts and timers. Hooks are the World's by now. */
export function beginEffects(core: Core, resident: Resident, asks: readonly Ask[], attempts: readonly string[]): void {
  for (const ask of asks) {
    if (ask.kind === "step") beginStep(core, resident, ask.op);
    else if (ask.kind === "wait") watch(core, resident, ask.dueAt, ask.op, endWait);
    else if (ask.kind === "cancel") endEffect(core, resident, ask.op);
    else if (ask.kind === "signal") signalsOf(resident).abort(ask.signal, ask.reason);
  }
  for (const op of attempts) beginStep(core, resident, op);
}

/** Begins all that an open run's state calls for, after a replay. @param done steps whose results are there */
export function resumeEffects(core: Core, resident: Resident, done: ReadonlySet<string>): void {
  const { steps, waits } = commandsOf(resident.machine);
  for (const step of steps) {
    if (done.has(step.op)) continue;
    if (step.hasStarted) failInterrupted(core, resident, step);
    else beginStep(core, resident, step.op);
  }
  for (const wait of waits) watch(core, resident, wait.dueAt, wait.op, endWait);
  watchDeadline(core, resident);
}

/** Asks the run to end when its time is up: at once, in the turn that is next, if it is. */
export function watchDeadline(core: Core, resident: Resident): void {
  const { deadlineAt } = resident.machine;
  if (deadlineAt === null) return;
  if (deadlineAt <= Date.now()) askToEnd(core, resident);
  else watch(core, resident, deadlineAt, "", askToEnd);
}

function askToEnd(core: Core, resident: Resident): void {
  const { deadlineAt } = resident.machine;
  if (core.stopping || deadlineAt === null) return;
  const limitMs = Math.max(0, deadlineAt - resident.run.createdAt);
  const reason = new TimeoutError(`The run "${resident.run.key ?? resident.run.id}"`, limitMs);
  addReady(core, resident, { event: { type: "cancel_requested", message: "" }, payload: encode(reason, "reason") });
}

/** What an operation that was given up had under way. */
function endEffect(core: Core, resident: Resident, op: string): void {
  core.attempts.cancel(resident, op, new CancelledError());
  unwatch(core, resident, op);
}

/** An event is ready for a run; it is delivered with the next tick. */
export function addReady(core: Core, resident: Resident, ready: ReadyEvent): void {
  if (resident.mode === "parked") return;
  resident.ready = append(resident.ready, ready);
  core.residents.expect(resident, ready.payload);
  core.turns.schedule(resident);
}

function beginStep(core: Core, resident: Resident, op: string): void {
  const step = pendingStep(resident, op);
  if (!step || (core.stopping && !step.hasStarted)) return;
  if (step.notBefore !== null && step.notBefore > Date.now()) {
    watch(core, resident, step.notBefore, op, beginStep);
    return;
  }
  const registered = findImplementation(step.stepId);
  if (!registered) resident.missingStep = step.stepId;
  else if (!step.hasStarted && isOnlyOnce(registered, step)) {
    addReady(core, resident, { event: { type: "step_started", op, attempt: step.attempt }, payload: "" });
  } else core.attempts.start(resident, step, registered);
}

/** A mock that cannot be read says so in the attempt. */
function isOnlyOnce(registered: RegisteredStep, { settings }: PendingStep): boolean {
  try {
    return isAtMostOnce(registered, settings);
  } catch {
    return false;
  }
}

/** The only attempt that a step may have began in another process, or before this one lost the run, and nobody knows how it ended. */
function failInterrupted(core: Core, resident: Resident, { op, attempt, stepId }: PendingStep): void {
  const error = new PerdureError(
    "STEP_INTERRUPTED",
    `The only attempt of the step "${stepId}" was interrupted; whether it took effect is unknown.`,
  );
  addReady(core, resident, { event: { type: "step_failed", op, attempt }, payload: encodeThrown(error) });
}

/** Watches a time for as long as the run is in memory, one for an operation. */
function watch(core: Core, resident: Resident, at: number, op: string, action: TimedAction): void {
  if (resident.mode === "dropped") return;
  unwatch(core, resident, op);
  const timer = new RunTimer(core, resident, at, op, action);
  resident.timers = put(resident.timers, timer);
  core.timers.add(timer);
}

function unwatch(core: Core, resident: Resident, op: string): void {
  const timer = find(resident.timers, op);
  if (!timer) return;
  core.timers.cancel(timer);
  resident.timers = without(resident.timers, op);
}

function endWait(core: Core, resident: Resident, op: string): void {
  if (core.stopping || find(resident.machine.pending, op)?.kind !== "wait") return;
  addReady(core, resident, { event: { type: "wait_completed", op }, payload: "" });
}

function pendingStep(resident: Resident, op: string): PendingStep | null {
  const pending = resident.mode === "dropped" ? undefined : find(resident.machine.pending, op);
  return pending?.kind === "step" ? pending : null;
}
