import { encode } from "../../codec/index.ts";
import { HookConflictError } from "../../errors/hook-errors.ts";
import { PerdureError } from "../../errors/perdure-error.ts";
import type { Hook, HookOptions } from "../../hook.ts";
import { cancellationOf, currentScope } from "./scopes.ts";
import { currentRun, nextOperation, type HookQueue, type RunState } from "./run-state.ts";

/** Opens a hook; see `createHook` of `perdure`. */
export function createHook<T>(options: HookOptions = {}): Hook<T> {
  const run = currentRun();
  const token = checkToken(options.token);
  const metadata = options.metadata === undefined ? "" : encode(options.metadata, "metadata");
  const op = nextOperation(run, "hook");
  const queue: HookQueue = { token: token ?? run.tokenFor(op), arrived: [], waiting: [], failure: null, disposed: false };
  run.hooks.set(op, queue);
  run.out.push("hook", op, queue.token, metadata);
  return handle<T>(run, op, queue);
}

function checkToken(token: unknown): string | undefined {
  if (token === undefined) return undefined;
  if (typeof token === "string" && token.length > 0 && token.length <= 512) return token;
  throw new PerdureError("INVALID_ARGUMENT", "createHook({ token }) takes a string of 1 to 512 characters.");
}

function handle<T>(run: RunState, op: string, queue: HookQueue): Hook<T> {
  const take = (): Promise<T> => {
    if (queue.arrived.length > 0) return Promise.resolve(queue.arrived.shift() as T);
    if (queue.failure) return Promise.reject(queue.failure);
    const scope = currentScope(run);
    const cancelled = cancellationOf(scope);
    if (cancelled) return Promise.reject(cancelled);
    return new Promise<unknown>((resolve, reject) => queue.waiting.push({ resolve, reject, scope })) as Promise<T>;
  };
  const dispose = (): void => {
    if (queue.disposed) return;
    queue.disposed = true;
    run.hooks.delete(op);
    if (!queue.failure) run.out.push("dispose", op, "", "");
  };
  return {
    token: queue.token,
    // eslint-disable-next-line unicorn/no-thenable -- a hook is awaited like a promise
    then: (onFulfilled, onRejected) => take().then(onFulfilled, onRejected),
    dispose,
    [Symbol.dispose]: dispose,
    async *[Symbol.asyncIterator]() {
      while (!queue.disposed) yield await take();
    },
  };
}

/** A payload arrived: the first who waits gets it, else it is kept in order. */
export function receive(queue: HookQueue, payload: unknown): void {
  const first = queue.waiting.shift();
  if (first) first.resolve(payload);
  else queue.arrived.push(payload);
}

/** The token is taken: everyone who waits or will wait is told. */
export function refuse(queue: HookQueue): void {
  queue.failure = new HookConflictError(queue.token);
  for (const waiter of queue.waiting.splice(0)) waiter.reject(queue.failure);
}
