import { decode, encode } from "../../codec/index.ts";
import { HookConflictError, HookDisposedError, HookPayloadInvalidError } from "../../errors/hook-errors.ts";
import { PerdureError } from "../../errors/perdure-error.ts";
import type { Hook, HookOptions, HookRequest } from "../../hook.ts";
import { find, put, without } from "../../few.ts";
import { cancellationOf, currentScope, runInScope, runScope } from "./scopes.ts";
import { addTaker, nextTaker, removeTakers } from "./takers.ts";
import {
  currentRun,
  limitOf,
  nextOperation,
  type ArrivedPayload,
  type HookQueue,
  type RunState,
  type Scope,
  type Settler,
  type Taker,
} from "./run-state.ts";

/** Opens a hook; see `createHook` of `perdure`. */
export function createHook<T>(options: HookOptions = {}): Hook<T> {
  const run = currentRun();
  const metadata = options.metadata === undefined ? "" : encode(options.metadata, "metadata", limitOf(run, "a hook of "));
  return handle<T>(run, openQueue(run, { name: "hook", token: checkToken(options.token, "createHook"), metadata, read: decode }));
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
export function openQueue(run: RunState, { name, token, metadata, read }: QueueOptions): HookQueue {
  const op = nextOperation(run, name);
  const queue: HookQueue = {
    op,
    token: token ?? run.terms.sources.tokenFor(run.id, op),
    read,
    arrived: null,
    waiting: null,
    failure: null,
  };
  run.hooks = put(run.hooks, queue);
  run.out.push("hook", op, queue.token, metadata);
  return queue;
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

function handle<T>(run: RunState, queue: HookQueue): Hook<T> {
  const dispose = (): void => disposeHook(run, queue);
  return {
    token: queue.token,
    // eslint-disable-next-line unicorn/no-thenable -- a hook is awaited like a promise
    then: (onFulfilled, onRejected) => takeThen(run, queue, asPayload<T>, [onFulfilled, onRejected]),
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
function take<T>(run: RunState, queue: HookQueue, shape: Shape<T>, onWait?: (taker: Taker) => void): Promise<T> {
  return (
    takeNow(run, queue, shape) ??
    new Promise<T>((resolve, reject) => {
      const taker: Taker = { scope: currentScope(run), shape, next: null, resolve: resolve as (value: unknown) => void, reject };
      addTaker(queue, taker);
      onWait?.(taker);
    })
  );
}

/** The payload that is there, or why none will come; null: one has to wait. */
function takeNow<T>(run: RunState, queue: HookQueue, shape: Shape<T>): Promise<T> | null {
  const first = queue.arrived?.shift();
  if (first) return "error" in first ? Promise.reject(first.error) : Promise.resolve(shape(first, run));
  const refused = queue.failure ?? cancellationOf(currentScope(run));
  return refused && Promise.reject(refused);
}

/** A handler of `then`. */
type Handler<T, R> = ((value: T) => R | PromiseLike<R>) | null | undefined;

/** As `take(…).then(…)`, with one promise less for as long as it waits. */
export function takeThen<T, F, R>(
  run: RunState,
  queue: HookQueue,
  shape: Shape<T>,
  handlers: readonly [onFulfilled: Handler<T, F>, onRejected: Handler<unknown, R>],
): Promise<F | R> {
  const now = takeNow(run, queue, shape);
  if (now) return now.then(...handlers) as Promise<F | R>;
  // (Without `reject`, which would be kept too.)
  return new Promise<F | R>((resolve) => {
    addTaker(
      queue,
      new Reaction(currentScope(run), shape, handlers as readonly Handler<unknown, unknown>[], resolve as Settler["resolve"]),
    );
  });
}

/** Handlers that wait for a payload. They are called in a microtask of their own and in the scope in which they were given, as those of a promise are. */
class Reaction implements Taker {
  readonly scope: Scope | null;
  readonly shape: Taker["shape"];
  next: Taker | null = null;
  readonly onFulfilled: Handler<unknown, unknown>;
  readonly onRejected: Handler<unknown, unknown>;
  /** Resolves the promise that `then` returned, also with one that is rejected. */
  readonly settle: Settler["resolve"];

  constructor(
    scope: Scope | null,
    shape: Taker["shape"],
    [onFulfilled, onRejected]: readonly Handler<unknown, unknown>[],
    settle: Settler["resolve"],
  ) {
    this.scope = scope;
    this.shape = shape;
    this.onFulfilled = onFulfilled;
    this.onRejected = onRejected;
    this.settle = settle;
  }

  resolve(value: unknown): void {
    react(this, new Promise((resolve) => resolve(value)));
  }

  reject(error: unknown): void {
    react(this, Promise.reject(error));
  }
}

function react({ scope, onFulfilled, onRejected, settle }: Reaction, settled: Promise<unknown>): void {
  // Whoever disposes of the hook may do so in a scope, which is not that of the handlers.
  const around = currentScope();
  const own = scope ?? (around && runScope(around.run));
  const call = (handler: (value: unknown) => unknown, value: unknown): void => {
    try {
      settle(own ? runInScope(own, () => handler(value)) : handler(value));
    } catch (error) {
      settle(Promise.reject(error));
    }
  };
  settled.then(
    (value) => (typeof onFulfilled === "function" ? call(onFulfilled, value) : settle(value)),
    (error: unknown) => (typeof onRejected === "function" ? call(onRejected, error) : settle(Promise.reject(error))),
  );
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
      removeTakers(queue, (taker) => mine.has(taker));
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
export function disposeHook(run: RunState, queue: HookQueue): void {
  if (find(run.hooks, queue.op) !== queue) return;
  run.hooks = without(run.hooks, queue.op);
  if (queue.failure) return;
  run.out.push("dispose", queue.op, "", "");
  const unread = queue.arrived ?? [];
  queue.arrived = null;
  for (const arrived of unread) if ("request" in arrived && arrived.request !== "") reply(run, arrived.request, "");
  fail(queue, new HookDisposedError(queue.token));
}

/** A payload arrived: the first who waits gets it, else it is kept in order. One that cannot be read becomes an error in its place. */
export function receive(run: RunState, queue: HookQueue, text: string, request: string): void {
  const first = nextTaker(queue);
  try {
    const arrived: ArrivedPayload = { payload: queue.read(text), request };
    if (first) first.resolve(first.shape(arrived, run));
    else (queue.arrived ??= []).push(arrived);
  } catch (cause) {
    const error = HookPayloadInvalidError.unreadable(queue.token, cause);
    if (request !== "") reply(run, request, "");
    if (first) first.reject(error);
    else (queue.arrived ??= []).push({ error });
  }
}

/** The token is taken: everyone who waits or will wait is told. */
export function refuse(queue: HookQueue): void {
  fail(queue, new HookConflictError(queue.token));
}

function fail(queue: HookQueue, error: Error): void {
  queue.failure = error;
  for (const taker of removeTakers(queue, () => true)) taker.reject(error);
}
