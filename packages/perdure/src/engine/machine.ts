/**
 * The state machine of one run: history in, commands out. It holds no clock, no chance and no I/O; live and replay fold the same rows
 * through {@link advance}, so that both arrive at the same state.
 *
 * Modes: *new* (no row yet) → *open* (at least `run_started`) → *ended* (an ask `completed`, `failed`, `cancelled` or `continued`, or `run_abandoned`).
 * An operation enters `pending` when the workflow asks for it and leaves when an event answers it (hooks: when they are disposed of or
 * refused). Invariants: an event answers only a pending operation of its kind; an operation is asked for once; nothing follows the end.
 */
import type { StepSettings } from "../step-options.ts";
import { find, put, without, type Few } from "../few.ts";
import { isWatched, type Ask, type ChildRun, type Event } from "./event.ts";
import { createRequests, giveReply, refusal, type Requests } from "./requests.ts";

export type PendingOperation =
  | {
      readonly kind: "step";
      readonly op: string;
      readonly stepId: string;
      readonly input: string;
      /** What the call says of its attempts; null: nothing. */
      readonly settings: StepSettings | null;
      /** When it was asked for, by the run's clock. */
      readonly askedAt: number;
      readonly attempt: number;
      readonly notBefore: number | null;
      /** The start of its only attempt is on record. */
      readonly hasStarted: boolean;
      /** What its attempts reported last, encoded; null: nothing. */
      readonly progress: string | null;
      /** How the last attempt failed; null: none did. */
      readonly failure: StepFailure | null;
    }
  | { readonly kind: "wait"; readonly op: string; readonly dueAt: number; readonly askedAt: number }
  | { readonly kind: "hook"; readonly op: string; readonly token: string; readonly metadata: string; readonly askedAt: number }
  | PendingRun;

export interface StepFailure {
  /** Encoded. */
  readonly error: string;
  /** Null in histories of former versions. */
  readonly maxAttempts: number | null;
}

/** Another run whose end is awaited. */
export interface PendingRun {
  readonly kind: "run";
  readonly op: string;
  /** Its id, or the key by which it was asked for. */
  readonly run: string;
  readonly askedAt: number;
  /** Its id is asked to end when this run ends. */
  readonly isOwn: boolean;
  /** Whether it was started at all is not known yet. */
  readonly isUnsure: boolean;
}

export type Outcome =
  | { readonly status: "completed"; readonly value: string }
  | { readonly status: "failed" | "cancelled"; readonly error: string }
  | { readonly status: "continued"; readonly runId: string; readonly args: string };

export interface Machine {
  /** Rows folded so far. */
  length: number;
  /** The run's clock. */
  now: number;
  /** In the order in which they were asked for. */
  pending: Few<PendingOperation>;
  /** Characters of the inputs of the steps that are pending. */
  inputLength: number;
  outcome: Outcome | null;
  /** Who waits for a reply; null as long as nobody did. */
  requests: Requests | null;
  /** When the run is asked to end by itself; null: never, or it has been asked already. */
  deadlineAt: number | null;
}

/** The history and the code disagree. Both sides are in `recorded` and `actual`. */
export class Divergence extends Error {
  readonly recorded: string;
  readonly actual: string;
  /** Which of the asks of a row it is about, from 0. */
  readonly index: number;

  constructor(recorded: string, actual: string, index = 0) {
    super(`history: ${recorded}; code: ${actual}`);
    this.recorded = recorded;
    this.actual = actual;
    this.index = index;
  }
}

export function createMachine(deadlineAt: number | null = null): Machine {
  return { length: 0, now: 0, pending: null, inputLength: 0, outcome: null, requests: null, deadlineAt };
}

/** Folds one event, and what the workflow asked for on it, into the state. @throws Divergence */
export function advance(machine: Machine, event: Event, asks: readonly Ask[], payload: string): void {
  if (machine.outcome) throw new Divergence(event.type, "the workflow has ended");
  answer(machine, event, payload);
  machine.now = Math.max(machine.now, event.at);
  for (const ask of asks) accept(machine, ask);
  machine.length++;
}

function answer(machine: Machine, event: Event, payload: string): void {
  switch (event.type) {
    case "run_started":
      if (machine.length > 0) throw new Divergence(event.type, "the run has started before");
      return;
    case "step_completed":
    case "step_failed":
      machine.inputLength -= expectPending(machine, event, "step").input.length;
      machine.pending = without(machine.pending, event.op);
      return;
    case "step_started": {
      const step = expectPending(machine, event, "step");
      machine.pending = put(machine.pending, { ...step, hasStarted: true });
      return;
    }
    case "step_progress": {
      const step = expectPending(machine, event, "step");
      machine.pending = put(machine.pending, { ...step, progress: payload });
      return;
    }
    case "step_retrying": {
      const step = expectPending(machine, event, "step");
      machine.pending = put(machine.pending, {
        ...step,
        attempt: event.attempt + 1,
        notBefore: event.dueAt,
        progress: event.progress ?? step.progress,
        failure: { error: payload, maxAttempts: event.maxAttempts ?? null },
      });
      return;
    }
    case "wait_completed":
      expectPending(machine, event, "wait");
      machine.pending = without(machine.pending, event.op);
      return;
    case "hook_received":
      expectPending(machine, event, "hook");
      if (event.asked) openRequest(machine, event.message);
      return;
    case "reply_given":
      giveReply(machine.requests, event.request, payload, event.at);
      return;
    case "request_refused":
      giveReply(openRequest(machine, event.message), event.message, refusal, event.at);
      return;
    case "hook_conflict":
      expectPending(machine, event, "hook");
      machine.pending = without(machine.pending, event.op);
      return;
    case "run_completed":
    case "run_failed":
    case "run_cancelled":
    case "run_missing":
      expectPending(machine, event, "run");
      machine.pending = without(machine.pending, event.op);
      return;
    case "run_accepted": {
      const { op, kind, run, askedAt, isOwn } = expectPending(machine, event, "run");
      machine.pending = put(machine.pending, { kind, op, run, askedAt, isOwn, isUnsure: false });
      return;
    }
    case "cancel_requested":
      machine.deadlineAt = null;
      return;
    case "wake_requested":
      return;
    case "run_abandoned":
      machine.outcome = { status: "failed", error: payload };
      return;
    default:
      event satisfies never;
  }
}

function openRequest(machine: Machine, message: string): Requests {
  machine.requests ??= createRequests();
  machine.requests.open.add(message);
  return machine.requests;
}

function expectPending<K extends PendingOperation["kind"]>(
  machine: Machine,
  event: Event & { readonly op: string },
  kind: K,
): Extract<PendingOperation, { kind: K }> {
  const found = find(machine.pending, event.op);
  if (found?.kind !== kind) {
    throw new Divergence(`${event.type} ${event.op}`, found ? `${event.op} is a ${found.kind}` : `${event.op} was not asked for`);
  }
  return found as Extract<PendingOperation, { kind: K }>;
}

function accept(machine: Machine, ask: Ask): void {
  if (machine.outcome) return;
  switch (ask.kind) {
    case "step":
      machine.pending = put(machine.pending, pendingStep(ask, machine.now));
      machine.inputLength += ask.input.length;
      return;
    case "wait":
      machine.pending = put(machine.pending, { kind: "wait", op: ask.op, dueAt: ask.dueAt, askedAt: machine.now });
      return;
    case "hook":
      machine.pending = put(machine.pending, { kind: "hook", op: ask.op, token: ask.token, metadata: ask.metadata, askedAt: machine.now });
      return;
    case "cancel": {
      const pending = find(machine.pending, ask.op);
      if (pending?.kind === "step") machine.inputLength -= pending.input.length;
      machine.pending = without(machine.pending, ask.op);
      return;
    }
    case "dispose":
      machine.pending = without(machine.pending, ask.op);
      return;
    case "start":
      if (isWatched(ask.run)) machine.pending = put(machine.pending, pendingChild(ask, machine.now));
      return;
    case "await":
      machine.pending = put(machine.pending, {
        kind: "run",
        op: ask.op,
        run: "id" in ask.run ? ask.run.id : ask.run.key,
        askedAt: machine.now,
        isOwn: false,
        isUnsure: false,
      });
      return;
    case "reply":
      giveReply(machine.requests, ask.message, ask.value === "" ? refusal : ask.value, machine.now);
      return;
    case "request":
    case "state":
    case "chunk":
    case "signal":
    case "attributes":
    case "patch":
      return;
    case "continued":
      machine.outcome = { status: "continued", runId: ask.runId, args: ask.args };
      return;
    case "completed":
      machine.outcome = { status: "completed", value: ask.value };
      return;
    case "failed":
    case "cancelled":
      machine.outcome = { status: ask.kind, error: ask.error };
      return;
    default:
      ask satisfies never;
  }
}

/** (Written out: a spread costs ten times as much, and there is one of these for every step.) */
function pendingStep({ op, stepId, input, settings }: Extract<Ask, { kind: "step" }>, askedAt: number): PendingOperation {
  return {
    kind: "step",
    op,
    stepId,
    input,
    settings,
    askedAt,
    attempt: 1,
    notBefore: null,
    hasStarted: false,
    progress: null,
    failure: null,
  };
}

function pendingChild({ op, run }: { readonly op: string; readonly run: ChildRun }, askedAt: number): PendingRun {
  const { id, parentClosePolicy, ifExists } = run;
  return { kind: "run", op, run: id, askedAt, isOwn: parentClosePolicy === "cancel", isUnsure: ifExists === "fail" };
}

/** The first difference between the asks that a row records and those that the code made now, or null. */
export function compareAsks(recorded: readonly string[], actual: readonly string[]): Divergence | null {
  const length = Math.max(recorded.length, actual.length);
  for (let index = 0; index < length; index++) {
    if (recorded[index] !== actual[index]) return new Divergence(recorded[index] ?? "nothing more", actual[index] ?? "nothing more", index);
  }
  return null;
}
