import { decode, encode } from "../../codec/index.ts";
import { HookConflictError, HookDisposedError, HookPayloadInvalidError } from "../../errors/hook-errors.ts";
import { PerdureError } from "../../errors/perdure-error.ts";
import type { Hook, HookOptions, HookRequest } from "../../hook.ts";
import { cancellationOf, currentScope } from "./scopes.ts";
import { currentRun, limitOf, nextOperation, type ArrivedPayload, type HookQueue, type RunState, type Taker } from "./run-state.ts";

/** Opens a hook; see `createHook` of `perdure`. */
export function createHook<T>(options: HookOptions = {}): Hook<T> {
  const run = currentRun();
  const metadata = options.metadata === undefined ? "" : encode(options.metadata, "metadata", limitOf(run, "a hook of "));
  const { op, queue } = openQueue(run, { name: "hook", token: checkToken(options.token, "createHook"), metadata, read: decode });
  return handle<T>(run, op, queue);
}

/** @throws INVALID_ARGUMENT */
export function checkToken(token: unknown, where: string): string | undefined {
  if (token === undefined) return undefined;
  if (typeof token === "string" && token.length > 0 && token.length <= 512) return token;
  throw new PerdureError("INVALID_ARGUMENT", `${where}({ token }) takes a string of 1 to 512 characters.`);
}

interface QueueOptions {
  /** What the operation is called. */
  readonly name: "hook" | "webhook";
  readonly token: string | undefined;
  readonly metadata: string;
  /** Makes a payload of what arrives, or throws. */
  readonly read: (text: string) => unknown;
}

/** Asks for a token, and makes the place where its payloads arrive. */
export function openQueue(run: RunState, { name, token, metadata, read }: QueueOptions): { op: string; queue: HookQueue } {
  const op = nextOperation(run, name);
  const queue: HookQueue = {
    token: token ?? run.sources.tokenFor(run.id, op),
    read,
    arrived: [],
    waiting: [],
    failure: null,
    disposed: false,
  };
  run.hooks.set(op, queue);
  run.out.push("hook", op, queue.token, metadata);
  return { op, queue };
}

function asPayload<T>({ payload, request }: ArrivedPayload, run: RunState): T {
  // Whoever takes the payload alone does not reply.
  if (request !== "") reply(run, request, "");
  return payload as T;
}

function asRequest<T>({ payload, request }: ArrivedPayload, run: RunState): HookRequest<T> {
  return {
    payload: payload as T,
    reply: (value) => {
      if (request !== "") reply(run, request, encode(value, "reply", limitOf(run, "a hook of ")));
    },
  };
}

function handle<T>(run: RunState, op: string, queue: HookQueue): Hook<T> {
  const dispose = (): void => disposeHook(run, op, queue);
  return {
    token: queue.token,
    // eslint-disable-next-line unicorn/no-thenable -- a hook is awaited like a promise
    then: (onFulfilled, onRejected) => take<T>(run, queue, asPayload).then(onFulfilled, onRejected),
    request: () => take<HookRequest<T>>(run, queue, asRequest),
    requests: () => iterate<HookRequest<T>>(run, queue, asRequest),
    dispose,
    [Symbol.dispose]: dispose,
    [Symbol.asyncIterator]: () => iterate<T>(run, queue, asPayload),
  };
}

/** What whoever takes a payload gets. */
export type Shape<T> = (arrived: ArrivedPayload, run: RunState) => T;

/** Replies to a message. @param text encoded; empty: nobody will reply */
export function reply(run: RunState, request: string, text: string): void {
  run.out.push("reply", request, text, "");
}

/** Takes the next payload. @param onWait gets the place in the queue, if there is one */
export function take<T>(run: RunState, queue: HookQueue, shape: Shape<T>, onWait?: (taker: Taker) => void): Promise<T> {
  const first = queue.arrived.shift();
  if (first) return "error" in first ? Promise.reject(first.error) : Promise.resolve(shape(first, run));
  if (queue.failure) return Promise.reject(queue.failure);
  const scope = currentScope(run);
  const cancelled = cancellationOf(scope);
  if (cancelled) return Promise.reject(cancelled);
  return new Promise<T>((resolve, reject) => {
    const taker: Taker = { scope, shape, resolve: resolve as (value: unknown) => void, reject };
    // (By a literal: the first `push` makes room for seventeen, and most hooks have one who waits.)
    if (queue.waiting.length === 0) queue.waiting = [taker];
    else queue.waiting.push(taker);
    onWait?.(taker);
  });
}

/** All payloads in order, until the hook is disposed of. (No generator: the `return()` of one waits for the payload that its `next()` waits for.) */
export function iterate<T>(run: RunState, queue: HookQueue, shape: Shape<T>): AsyncIterableIterator<T> {
  const mine = new Set<Taker>();
  let isOver = false;
  const next = async (): Promise<IteratorResult<T, undefined>> => {
    if (isOver) return { done: true, value: undefined };
    let place: Taker | null = null;
    try {
      const value = await take(run, queue, shape, (taker) => {
        place = taker;
        mine.add(taker);
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
      const left = queue.waiting.filter((taker) => !mine.has(taker));
      queue.waiting.splice(0, queue.waiting.length, ...left);
      for (const taker of mine) taker.reject(ended);
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

/** What a `next()` is rejected with whose iteration was ended. */
const ended = new Error("The iteration has ended.");

/** Frees the token. Idempotent. */
export function disposeHook(run: RunState, op: string, queue: HookQueue): void {
  if (queue.disposed) return;
  queue.disposed = true;
  run.hooks.delete(op);
  if (queue.failure) return;
  run.out.push("dispose", op, "", "");
  for (const arrived of queue.arrived.splice(0)) if ("request" in arrived && arrived.request !== "") reply(run, arrived.request, "");
  fail(queue, new HookDisposedError(queue.token));
}

/** A payload arrived: the first who waits gets it, else it is kept in order. One that cannot be read becomes an error in its place. */
export function receive(run: RunState, queue: HookQueue, text: string, request: string): void {
  const first = queue.waiting.shift();
  try {
    const arrived: ArrivedPayload = { payload: queue.read(text), request };
    if (first) first.resolve(first.shape(arrived, first.scope.run));
    else queue.arrived.push(arrived);
  } catch (cause) {
    const error = HookPayloadInvalidError.unreadable(queue.token, cause);
    if (request !== "") reply(run, request, "");
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
  for (const taker of queue.waiting.splice(0)) taker.reject(error);
}
