import { decode, encode } from "../../codec/index.ts";
import { HookConflictError, HookDisposedError, HookPayloadInvalidError } from "../../errors/hook-errors.ts";
import { PerdureError } from "../../errors/perdure-error.ts";
import type { Hook, HookOptions } from "../../hook.ts";
import { cancellationOf, currentScope } from "./scopes.ts";
import { currentRun, nextOperation, type HookQueue, type PendingCall, type RunState } from "./run-state.ts";

/** Opens a hook; see `createHook` of `perdure`. */
export function createHook<T>(options: HookOptions = {}): Hook<T> {
  const run = currentRun();
  const token = checkToken(options.token);
  const metadata = options.metadata === undefined ? "" : encode(options.metadata, "metadata");
  const op = nextOperation(run, "hook");
  const queue: HookQueue = { token: token ?? run.sources.tokenFor(run.id, op), arrived: [], waiting: [], failure: null, disposed: false };
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
  const dispose = (): void => disposeHook(run, op, queue);
  return {
    token: queue.token,
    // eslint-disable-next-line unicorn/no-thenable -- a hook is awaited like a promise
    then: (onFulfilled, onRejected) => take<T>(run, queue).then(onFulfilled, onRejected),
    dispose,
    [Symbol.dispose]: dispose,
    [Symbol.asyncIterator]: () => iterate<T>(run, queue),
  };
}

/** The next payload. @param onWait gets the place in the queue, if there is one */
function take<T>(run: RunState, queue: HookQueue, onWait?: (waiter: PendingCall) => void): Promise<T> {
  const first = queue.arrived.shift();
  if (first) return "error" in first ? Promise.reject(first.error) : Promise.resolve(first.payload as T);
  if (queue.failure) return Promise.reject(queue.failure);
  const scope = currentScope(run);
  const cancelled = cancellationOf(scope);
  if (cancelled) return Promise.reject(cancelled);
  return new Promise<unknown>((resolve, reject) => {
    const waiter = { resolve, reject, scope };
    queue.waiting.push(waiter);
    onWait?.(waiter);
  }) as Promise<T>;
}

/** All payloads in order, until the hook is disposed of. (No generator: the `return()` of one waits for the payload that its `next()` waits for.) */
function iterate<T>(run: RunState, queue: HookQueue): AsyncIterableIterator<T> {
  const mine = new Set<PendingCall>();
  let isOver = false;
  const next = async (): Promise<IteratorResult<T, undefined>> => {
    if (isOver) return { done: true, value: undefined };
    let place: PendingCall | null = null;
    try {
      const value = await take<T>(run, queue, (waiter) => {
        place = waiter;
        mine.add(waiter);
      });
      return { done: false, value };
    } catch (error) {
      if (!(error instanceof HookDisposedError) && error !== ended) throw error;
      isOver = true;
      return { done: true, value: undefined };
    } finally {
      if (place) mine.delete(place);
    }
  };
  return {
    next,
    /** Nobody waits any more: the payload that comes next is another's. */
    async return() {
      isOver = true;
      const left = queue.waiting.filter((waiter) => !mine.has(waiter));
      queue.waiting.splice(0, queue.waiting.length, ...left);
      for (const waiter of mine) waiter.reject(ended);
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

/** What a `next()` is rejected with whose iteration was ended. */
const ended = new Error("The iteration has ended.");

function disposeHook(run: RunState, op: string, queue: HookQueue): void {
  if (queue.disposed) return;
  queue.disposed = true;
  run.hooks.delete(op);
  if (queue.failure) return;
  run.out.push("dispose", op, "", "");
  queue.arrived.length = 0;
  fail(queue, new HookDisposedError(queue.token));
}

/** A payload arrived: the first who waits gets it, else it is kept in order. One that cannot be read becomes an error in its place. */
export function receive(queue: HookQueue, text: string): void {
  const first: PendingCall | undefined = queue.waiting.shift();
  try {
    const payload = decode(text);
    if (first) first.resolve(payload);
    else queue.arrived.push({ payload });
  } catch (cause) {
    const error = HookPayloadInvalidError.unreadable(queue.token, cause);
    if (first) first.reject(error);
    else queue.arrived.push({ error });
  }
}

/** The token is taken: everyone who waits or will wait is told. */
export function refuse(queue: HookQueue): void {
  fail(queue, new HookConflictError(queue.token));
}

function fail(queue: HookQueue, error: Error): void {
  queue.failure = error;
  for (const waiter of queue.waiting.splice(0)) waiter.reject(error);
}
