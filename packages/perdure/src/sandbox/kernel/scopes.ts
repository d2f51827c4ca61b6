/**
 * Scopes of cancellation. Every durable call belongs to the scope in which it was made; cancelling a scope rejects the calls that are pending in it and in
 * the scopes inside it, shielded ones left out, and all that are made there later. The run itself is the outermost scope.
 *
 * Which scope a call is made in follows the promises of the code, as AsyncLocalStorage does it on the host: the realm is given that as two functions.
 */
import { encodeThrown } from "../../codec/index.ts";
import { CancelledError } from "../../errors/cancelled-error.ts";
import { each, find, without } from "../../few.ts";
import { removeTakers } from "./takers.ts";
import { currentRun, type RunState, type Scope } from "./run-state.ts";

/** How the realm knows the scope of the code that is running: the host's AsyncLocalStorage. The scope itself is opaque to the host. */
export interface ScopeTracker {
  run<T>(scope: Scope, part: () => T): T;
  current(): Scope | undefined;
}

let tracker: ScopeTracker | null = null;
/** As long as nobody has opened a scope, every call belongs to its run, and the host need not be asked. */
let isUsed = false;

export function setScopeTracker(given: ScopeTracker): void {
  tracker = given;
}

export function createScope(run: RunState, parent: Scope | null, isShielded = false): Scope {
  const scope: Scope = { run, parent, isShielded, inner: null, cancelled: null, controller: null };
  if (!isShielded && parent) (parent.inner ??= new Set()).add(scope);
  return scope;
}

/** The code of a scope has ended. */
export function closeScope(scope: Scope): void {
  scope.parent?.inner?.delete(scope);
}

/** The outermost scope of a run. */
export function runScope(run: RunState): Scope {
  return (run.extras.scope ??= createScope(run, null));
}

/** The scope of the code that is running; null: the run's own, of which nobody has asked for the record yet. */
export function currentScope(run: RunState = currentRun()): Scope | null {
  const scope = isUsed ? tracker?.current() : undefined;
  return scope?.run === run ? scope : (run.known?.scope ?? null);
}

/** Why calls in a scope are refused: it, or a scope around it up to the first shield, was cancelled. */
export function cancellationOf(scope: Scope | null): CancelledError | null {
  for (let current = scope; current !== null; current = current.isShielded ? null : current.parent) {
    if (current.cancelled) return current.cancelled;
  }
  return null;
}

/** Runs code in a scope of its own. */
export function runInScope<T>(scope: Scope, part: () => T): T {
  if (!tracker) throw new Error("This realm cannot tell scopes apart.");
  isUsed = true;
  return tracker.run(scope, part);
}

/** Cancels a scope: what is pending in it is rejected, in the order of asking. Idempotent. */
export function cancelScope(scope: Scope, reason: unknown): void {
  if (scope.cancelled) return;
  const error = CancelledError.is(reason) ? reason : new CancelledError(reason);
  scope.cancelled = error;
  const { run } = scope;
  for (const call of each(run.calls)) {
    if (!isInside(call.scope, scope) || !find(run.calls, call.op)) continue;
    run.calls = without(run.calls, call.op);
    askToCancel(run, call.op, error);
    call.reject(error);
  }
  for (const queue of each(run.hooks)) {
    for (const taker of removeTakers(queue, (waiting) => isInside(waiting.scope, scope))) taker.reject(error);
  }
  tell(scope, error);
}

/** Nobody waits for an operation any more; a run that it started is asked to end, for the same reason. */
export function askToCancel(run: RunState, op: string, error: Error): void {
  const childId = run.known?.others?.get(op)?.childId ?? "";
  run.known?.others?.delete(op);
  run.out.push("cancel", op, childId, childId === "" ? "" : encodeThrown(error));
}

function tell(scope: Scope, error: CancelledError): void {
  scope.controller?.abort(error);
  for (const inner of scope.inner ?? []) tell(inner, error);
}

/** A signal that is aborted when a scope, or one around it, is cancelled. */
export function signalOf(scope: Scope): AbortSignal {
  if (!scope.controller) {
    scope.controller = new AbortController();
    const cancelled = cancellationOf(scope);
    if (cancelled) scope.controller.abort(cancelled);
  }
  return scope.controller.signal;
}

/** Whether cancelling `outer` concerns what belongs to `inner`; null: to the run's own scope. */
function isInside(inner: Scope | null, outer: Scope): boolean {
  if (inner === null) return outer.parent === null;
  for (let current: Scope | null = inner; current !== null; current = current.parent) {
    if (current === outer) return true;
    if (current.isShielded) return false;
  }
  return false;
}
