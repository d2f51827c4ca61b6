/** Durable calls: what workflow code asks for and gets an answer to, once. */
import { askToCancel, cancellationOf, currentScope } from "./scopes.ts";
import { find, put, without } from "../../few.ts";
import { nextOperation, type RunState } from "./run-state.ts";

/** What is asked for: the strings of `index.ts` behind the operation. */
export interface CallRequest {
  readonly kind: "step" | "wait";
  /** What the operation is called; how often it was before is added. */
  readonly name: string;
  /** Made only when the call is let through. */
  readonly first: string;
  readonly second: (op: string) => string;
}

/** A call that was let through: its operation and the promise of its answer. */
export interface DurableCall<T> {
  readonly op: string;
  readonly answer: Promise<T>;
}

/** Asks, unless the scope was cancelled. @throws what `second` throws, and the CancelledError of the scope */
export function call<T>(run: RunState, { kind, name, first, second }: CallRequest): DurableCall<T> {
  const scope = currentScope(run);
  const cancelled = cancellationOf(scope);
  if (cancelled) throw cancelled;
  const op = nextOperation(run, name);
  run.out.push(kind, op, first, second(op));
  const answer = new Promise<T>((resolve, reject) => {
    run.calls = put(run.calls, { op, resolve: resolve as (value: unknown) => void, reject, scope });
  });
  return { op, answer };
}

/** Gives a call up: its promise is rejected with `error`. Nothing happens when it has its answer. */
export function giveUp(run: RunState, op: string, error: Error): void {
  const pending = find(run.calls, op);
  if (!pending) return;
  run.calls = without(run.calls, op);
  askToCancel(run, op, error);
  pending.reject(error);
}
