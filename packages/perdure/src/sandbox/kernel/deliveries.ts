/** Deliveries of events to workflow code: what makes a promise of it settle, and what it asks for. */
import { decode, encode, encodeThrown } from "../../codec/index.ts";
import { find, without } from "../../few.ts";
import { receive, refuse } from "./hooks.ts";
import { createRunGlobal } from "./run-globals.ts";
import { CancelledError } from "../../errors/cancelled-error.ts";
import { currentRunOrNull, limitOf, RunState, setCurrentRun, type Settler, type Sources, type Terms } from "./run-state.ts";
import { Continuation, settleRun } from "./runs.ts";
import { cancelScope, runScope } from "./scopes.ts";
import { Traces } from "./traced-asks.ts";
import { evaluateShared, forget, keepWarm, standIn, valuesOf, type SharedFactory, type SharedPart } from "./shared-parts.ts";
import { workflowModule, type WorkflowModule } from "./workflow-module.ts";

/** The code of a run: given the module that it imports as `perdure` and the values of the shared part, returns the workflow's function. */
export type BundleFactory = (perdure: WorkflowModule, shared: SharedPart["values"]) => (...args: unknown[]) => unknown;

/** What the host calls. Runs are named by small numbers, so that no object of the realm is held outside. */
export interface Kernel {
  create(
    factory: (global: object) => BundleFactory,
    shared: string,
    runId: string,
    workflowId: string,
    seed: string,
    name: string,
    maxValueBytes: number,
  ): number;
  /** Makes a shared part known, by the hash of its text, with which `create` names it. */
  addShared(hash: string, factory: SharedFactory): void;
  /** True if the run begins, and its shared part must be evaluated first: the next evaluation does so. */
  prepareShared(handle: number): boolean;
  /** The event's type, operation and time; its payload as the codec wrote it; the message to which a reply is awaited, or empty. */
  prepare(handle: number, type: string, op: string, at: number, payload: string, request: string): void;
  take(handle: number): string[];
  /** From here on the stacks of what the run asks for are kept. */
  trace(handle: number): void;
  /** Of a traced run: the stacks of the asks that the last `take` returned, for each that a history records. */
  stacks(handle: number): string[];
  /** Ends a delivery that failed: no run is current. */
  leave(): void;
  /** While replaying: the operations of steps and starts that the history leaves without an answer, one per line. Null: the run is live. */
  setReplaying(handle: number, ops: string | null): void;
  /** From here on the run's chance is another one. */
  reseed(handle: number, seed: string): void;
  drop(handle: number): void;
  /** Drops a run that was stopped in the middle: what it shares may be half done, and is evaluated anew for the runs to come. */
  abandon(handle: number): void;
  /** Forgets all shared parts; runs that are there keep theirs. */
  forgetShared(): void;
}

/** What is the same for all runs of a version. */
export interface Code extends Terms {
  readonly factory: (global: object) => BundleFactory;
  readonly shared: SharedPart | null;
}

/** A run that has its place. */
export type Resident = RunState<Code>;

/** The kernel, and what only the realm itself may call. */
export interface Deliveries {
  readonly kernel: Kernel;
  /** Evaluates the prepared delivery, if there is one. */
  pump(): void;
}

/** Returns a function that answers with the same record for runs of the same code. */
function sharingCodes(): (code: Code) => Code {
  const codes = new WeakMap<object, Code>();
  return (code) => {
    const known = codes.get(code.factory);
    if (known && known.shared === code.shared && known.workflowId === code.workflowId && known.maxValueBytes === code.maxValueBytes)
      return known;
    codes.set(code.factory, code);
    return code;
  };
}

export function createDeliveries(sources: Sources): Deliveries {
  const residents = new Map<number, Resident>();
  const parts = new Map<string, SharedPart>();
  const traces = new Traces();
  let handles = 0;
  let work: (() => void) | null = null;
  const codeOf = sharingCodes();
  const at = (handle: number): Resident => {
    const resident = residents.get(handle);
    if (!resident) throw new Error(`No run has the handle ${handle}.`);
    return resident;
  };
  const kernel: Kernel = {
    create(factory, shared, runId, workflowId, seed, name, maxValueBytes) {
      handles++;
      const code = codeOf({ factory, shared: parts.get(shared) ?? null, workflowId, maxValueBytes, sources });
      residents.set(handles, new RunState({ id: runId, name, seed }, code));
      return handles;
    },
    addShared(hash, factory) {
      if (!parts.has(hash)) parts.set(hash, { hash, factory, values: null, failure: null });
    },
    prepareShared(handle) {
      const { shared } = at(handle).terms;
      if (!shared) return false;
      keepWarm(shared);
      if (shared.values) return false;
      const state = standIn(shared);
      setCurrentRun(state);
      work = () => evaluateShared(shared, state);
      return true;
    },
    prepare(handle, type, op, time, payload, request) {
      const resident = at(handle);
      setCurrentRun(resident);
      work = () => deliver(resident, type, op, time, payload, request);
    },
    take(handle) {
      const run = at(handle);
      const { out } = run;
      run.out = traces.next(handle, out);
      setCurrentRun(null);
      return out;
    },
    trace(handle) {
      at(handle).out = traces.begin(handle);
    },
    stacks: (handle) => traces.stacks(handle),
    leave() {
      work = null;
      setCurrentRun(null);
    },
    setReplaying(handle, ops) {
      at(handle).unanswered = ops === null ? null : new Set(ops.split("\n"));
    },
    reseed: (handle, seed) => at(handle).reseed(seed),
    drop(handle) {
      residents.delete(handle);
      traces.end(handle);
    },
    abandon(handle) {
      const shared = residents.get(handle)?.terms.shared;
      if (shared) forget(shared);
      residents.delete(handle);
    },
    forgetShared() {
      parts.clear();
    },
  };
  const pump = (): void => {
    const next = work;
    work = null;
    next?.();
  };
  return { kernel, pump };
}

/** Tells the workflow code of a run what happened. Its reaction follows in microtasks. */
export function deliver(run: Resident, type: string, op: string, at: number, payload: string, request: string): void {
  run.moveTo(at);
  switch (type) {
    case "run_started":
      start(run, payload);
      return;
    case "step_completed":
      takeCall(run, op)?.resolve(decode(payload));
      return;
    case "step_failed":
      takeCall(run, op)?.reject(decode(payload));
      return;
    case "wait_completed":
      takeCall(run, op)?.resolve(undefined);
      return;
    case "run_completed":
    case "run_failed":
    case "run_cancelled":
    case "run_missing":
    case "run_accepted":
      settleRun(run, type, op, payload === "" ? undefined : decode(payload));
      return;
    case "cancel_requested":
      cancelScope(runScope(run), decode(payload));
      return;
    case "hook_received": {
      const queue = find(run.hooks, op);
      if (queue) receive(run, queue, payload, request);
      return;
    }
    case "hook_conflict": {
      const queue = find(run.hooks, op);
      if (queue) refuse(queue);
      return;
    }
    default:
      throw new Error(`The kernel knows no event "${type}".`);
  }
}

/** A call that was given up has no answer; whether one was asked for at all is the state machine's to say. */
function takeCall(run: RunState, op: string): Settler | undefined {
  const pending = find(run.calls, op);
  run.calls = without(run.calls, op);
  return pending;
}

/** Whether the workflow ended because somebody asked it to. */
function isOwnCancellation({ known }: RunState, error: unknown): boolean {
  return known?.scope?.cancelled != null && CancelledError.is(error);
}

/** Evaluates the run's own code (its module state is the run's) and calls the workflow. Its promise is listened to as it is: every one around it would be there as long as the run. */
function start(run: Resident, payload: string): void {
  const { factory, shared } = run.terms;
  let answer: Promise<unknown>;
  try {
    const workflow = factory(createRunGlobal())(workflowModule, shared && valuesOf(shared));
    answer = Promise.resolve(workflow(...(decode(payload) as unknown[])));
  } catch (error) {
    answer = Promise.reject(error);
  }
  answer.then(onReturn, onThrow);
}

// What listens to a workflow's promise is the same for all runs: closures of each would be there as long as it is. Its end comes in a delivery of its own run; of one that
// was stopped nobody wants to know.

function onReturn(value: unknown): void {
  const run = currentRunOrNull();
  if (run) complete(run, value);
}

function onThrow(error: unknown): void {
  const run = currentRunOrNull();
  if (run) fail(run, error);
}

function complete(run: RunState, value: unknown): void {
  let text: string;
  try {
    text = encode(value, "result", limitOf(run, ""));
  } catch (error) {
    end(run, "failed", encodeThrown(error, limitOf(run, "")));
    return;
  }
  end(run, "completed", text);
}

function fail(run: RunState, error: unknown): void {
  if (error instanceof Continuation) end(run, "continued", error.args, run.terms.sources.runIdFor(run.id, "successor", run.now));
  else end(run, isOwnCancellation(run, error) ? "cancelled" : "failed", encodeThrown(error, limitOf(run, "")));
}

function end(run: RunState, kind: string, text: string, successor = ""): void {
  if (run.ended) return;
  run.ended = true;
  run.out.push(kind, successor, text, "");
}
