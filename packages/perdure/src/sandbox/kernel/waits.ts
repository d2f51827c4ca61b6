import { durationMs, type Duration } from "../../duration.ts";
import { TimeoutError } from "../../errors/cancelled-error.ts";
import { PerdureError } from "../../errors/perdure-error.ts";
import type { ScopeHandle, ScopeOptions } from "../../scope.ts";
import { call, giveUp } from "./calls.ts";
import { currentRun, nextOperation, type RunState, type Scope } from "./run-state.ts";
import { cancelScope, cancellationOf, closeScope, createScope, currentScope, runInScope, runScope, signalOf } from "./scopes.ts";

/** A durable wait: for a while, or until a time. A time in the past is due at once. */
export function sleep(until: Duration | Date): Promise<void> {
  try {
    return wait(currentRun(), until, "sleep").answer;
  } catch (error) {
    return Promise.reject(error);
  }
}

function wait(run: RunState, until: Duration | Date, name: string): { op: string; answer: Promise<void> } {
  const dueAt = dueTime(until, run.now, name);
  return call<void>(run, { kind: "wait", name, first: String(dueAt), second: () => "" });
}

/** Durable `setTimeout`: the callback runs as an event of the run. Returns what `clearTimeout` takes. */
export function setDurableTimeout(callback: (...args: unknown[]) => void, ms: number = 0, ...args: unknown[]): string {
  const { op, answer } = wait(currentRun(), Math.max(0, Number(ms) || 0), "setTimeout");
  answer.then(() => callback(...args), ignoreCancellation);
  return op;
}

/** Durable `setInterval`. Each turn is asked for when the one before has come, so intervals never pile up. */
export function setDurableInterval(callback: (...args: unknown[]) => void, ms: number = 0, ...args: unknown[]): string {
  const run = currentRun();
  // As with operations: never a name that another one has or had.
  const name = nextOperation(run, "interval");
  const next = (): void => {
    const { op, answer } = wait(run, Math.max(1, Number(ms) || 0), "setInterval");
    (run.extras.intervals ??= new Map()).set(name, op);
    answer.then(() => {
      if (!run.known?.intervals?.has(name)) return;
      next();
      callback(...args);
    }, ignoreCancellation);
  };
  next();
  return name;
}

/** `clearTimeout` and `clearInterval`. */
export function clearDurableTimer(timer: unknown): void {
  if (typeof timer !== "string") return;
  const run = currentRun();
  const op = run.known?.intervals?.get(timer) ?? timer;
  run.known?.intervals?.delete(timer);
  giveUp(run, op, cleared);
}

const cleared = new Error("The timer was cleared.");
const ignoreCancellation = (): void => undefined;

/** Runs a part of the workflow in a scope of its own, see `scope` of `perdure`. */
export async function scope<T>(options: ScopeOptions, part: (scope: ScopeHandle) => Promise<T> | T): Promise<T> {
  if (typeof options !== "object" || options === null) throw notOptions(options);
  checkPart(part, "scope(options, part)");
  const run = currentRun();
  const outer = currentScope(run);
  const cancelled = cancellationOf(outer);
  if (cancelled) throw cancelled;
  const inner = createScope(run, outer ?? runScope(run));
  const timeLimit = options.timeout === undefined ? null : limit(run, inner, options.timeout);
  const unlink = options.signal ? follow(inner, options.signal) : null;
  try {
    return await runInScope(inner, async () => part(handleOf(inner)));
  } catch (error) {
    throw timeLimit?.error && error === inner.cancelled ? timeLimit.error : error;
  } finally {
    unlink?.();
    timeLimit?.end();
    closeScope(inner);
  }
}

function notOptions(options: unknown): PerdureError {
  const what = options === null ? "null" : typeof options;
  return new PerdureError("INVALID_ARGUMENT", `The options of scope(options, part) are ${what}; they must be an object: scope({}, part).`);
}

/** @param where how the function is called that takes the part  @throws INVALID_ARGUMENT */
export function checkPart(part: unknown, where: string): void {
  if (typeof part === "function") return;
  throw new PerdureError("INVALID_ARGUMENT", `${where} takes a function, not ${part === null ? "null" : typeof part}.`);
}

function handleOf(inner: Scope): ScopeHandle {
  return {
    cancel: (reason) => cancelScope(inner, reason),
    get signal() {
      return signalOf(inner);
    },
  };
}

/** Cancels a scope after a while. */
function limit(run: RunState, inner: Scope, timeout: Duration): { error: TimeoutError | null; end(): void } {
  const { op, answer } = wait(run, timeout, "scope");
  const state: { error: TimeoutError | null; end(): void } = { error: null, end: () => giveUp(run, op, cleared) };
  answer.then(() => {
    state.error = new TimeoutError("The scope", durationMs(timeout));
    cancelScope(inner, state.error);
  }, ignoreCancellation);
  return state;
}

/** Cancels a scope with a signal. */
function follow(inner: Scope, signal: AbortSignal): () => void {
  const onAbort = (): void => cancelScope(inner, signal.reason);
  if (signal.aborted) onAbort();
  else signal.addEventListener("abort", onAbort);
  return () => signal.removeEventListener("abort", onAbort);
}

/** Runs a part of the workflow that goes on when what is around it is cancelled, see `shield` of `perdure`. */
export async function shield<T>(part: () => Promise<T> | T): Promise<T> {
  checkPart(part, "shield(part)");
  const run = currentRun();
  return runInScope(createScope(run, currentScope(run) ?? runScope(run), true), async () => part());
}

/** The last time that a Date can hold. */
const lastTime = 8_640_000_000_000_000;

/** Whole milliseconds, never earlier than what was asked for. */
function dueTime(until: Duration | Date, now: number, name: string): number {
  const at = until instanceof Date ? until.getTime() : Math.ceil(now + durationMs(until));
  if (Number.isNaN(at)) throw new PerdureError("INVALID_ARGUMENT", `${name}() was given an invalid Date.`);
  if (at > lastTime) throw new PerdureError("INVALID_ARGUMENT", `${name}() was asked to wait beyond the last time that a Date can hold.`);
  return at;
}
