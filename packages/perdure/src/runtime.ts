/** The one World and the one worker of this process, made when they are first needed. */
import type { World } from "@perdure/world";

import { maxValueBytes, openWorld, worldUrl, workerWanted } from "./config.ts";
import { answerElsewhereBy, openStreamsBy } from "./codec/index.ts";
import { createWaiters, type Waiters } from "./api/waiters.ts";
import { PerdureError } from "./errors/perdure-error.ts";
import { sendReply } from "./send-reply.ts";
import { stepContextOrNull } from "./step-context.ts";
import { streamsOf } from "./streams/process-streams.ts";
import type { EndedRun } from "./worker/core.ts";
import { createSharedObservers, type SharedObservers } from "./worker/observe/observation.ts";
import type { Observer } from "./worker/observe/observer.ts";
import type { WorkerOptions } from "./worker/options.ts";
import type { RunningWorker } from "./worker/running-worker.ts";
import { createSignals, type Signals } from "./worker/signals.ts";
import { createWorker, type Worker } from "./worker/worker.ts";

// A step answers by its own World; whoever else has a request by that of the process.
answerElsewhereBy(async (address, response) => {
  const context = stepContextOrNull();
  if (context) await context.answer(address, response);
  else await sendReply(await getWorld(), address, response, { maxBytes: maxValueBytes(), of: "a webhook" });
});

export { openWorld };

interface Runtime {
  world: Opening | null;
  worker: Starting | null;
  waiters: Waiters | null;
  /** Of Worlds that calls name for themselves. */
  readonly otherWaiters: WeakMap<World, Waiters>;
  readonly observers: SharedObservers;
  readonly signals: Signals;
  isExitHandled: boolean;
  /** Workers that were asked for by `startWorker()` and `createWorker()` and have not ended. */
  explicitWorkers: number;
  /** See {@link loadOnly}. */
  onlyLoads: boolean;
}

/** What is there at once for whoever asks once it is there: a start would wait for it several times, and each time costs it a microsecond. */
interface Coming<T> {
  readonly promise: Promise<T>;
  now: T | null;
}

type Opening = Coming<World>;
type Starting = Coming<Worker>;

function coming<T>(promise: Promise<T>): Coming<T> {
  const one: Coming<T> = { promise, now: null };
  promise.then(
    (value) => (one.now = value),
    () => undefined,
  );
  return one;
}

const key = Symbol.for("perdure.runtime");

/** One per process, also when several copies of this package are loaded. */
function runtime(): Runtime {
  const holder = globalThis as { [key]?: Runtime };
  holder[key] ??= {
    world: null,
    worker: null,
    waiters: null,
    otherWaiters: new WeakMap(),
    observers: createSharedObservers(),
    signals: createSignals(),
    isExitHandled: false,
    explicitWorkers: 0,
    onlyLoads: false,
  };
  return holder[key];
}

/**
 * Sets the World of this process, before anything uses it. Without it `PERDURE_WORLD` decides (a URL; default `sqlite:./.perdure/world.db`). Ends the
 * worker of the World before, if there is one; the caller closes that World.
 */
export async function setWorld(world: World): Promise<void> {
  const state = runtime();
  if (state.onlyLoads) return;
  const { worker } = state;
  state.worker = null;
  state.waiters?.stop(new PerdureError("WORKER_STOPPED", "The World of this process was replaced while a run was awaited."));
  state.waiters = null;
  const opening = coming(world.setup().then(() => world));
  state.world = opening;
  if (worker) await stopQuietly(worker);
  await opening.promise;
}

/**
 * From here on this process loads code, for tools that look at it, and does nothing with it: it opens no World of its own (a World that it is given is not touched), starts no run and no worker.
 * @see WORK_REFUSED
 */
export function loadOnly(): void {
  runtime().onlyLoads = true;
}

/** @throws WORK_REFUSED */
export function assertWorks(what: string): void {
  if (runtime().onlyLoads) throw workRefused(what);
}

function workRefused(what: string): PerdureError {
  return new PerdureError("WORK_REFUSED", `${what} in a process that loads the code of the application only to look at it.`);
}

/** The World of this process, set up. @throws WORLD_UNKNOWN_SCHEME, WORLD_PACKAGE_MISSING, WORK_REFUSED, and what its `setup()` throws */
export function getWorld(): Promise<World> {
  const state = runtime();
  if (state.onlyLoads) return Promise.reject(workRefused("The World was asked for"));
  if (!state.world) {
    const opening = coming(openConfiguredWorld());
    state.world = opening;
    // A World that did not open is tried again by the next caller.
    opening.promise.catch(() => {
      if (state.world === opening) state.world = null;
    });
  }
  return state.world.promise;
}

/** The same if it is open already; else null: {@link getWorld} is to be asked. */
export function openedWorld(): World | null {
  const { world, onlyLoads } = runtime();
  return onlyLoads ? null : (world?.now ?? null);
}

openStreamsBy(streamsOf(getWorld));

async function openConfiguredWorld(): Promise<World> {
  const world = await openWorld(worldUrl());
  await world.setup();
  return world;
}

/** This process's worker if it has one now; starts none. */
export function runningWorker(): Worker | null {
  return runtime().worker?.now ?? null;
}

/** This process's worker, started if there is none yet; null when `PERDURE_WORKER=off` and nobody called `startWorker()`. */
export async function currentWorker(): Promise<Worker | null> {
  const state = runtime();
  if (!state.worker && !workerWanted()) return null;
  if (!state.worker) {
    const making = coming(makeWorker({}));
    state.worker = making;
    making.promise.catch(() => {
      if (state.worker === making) state.worker = null;
    });
  }
  return state.worker.promise;
}

/** True from the call of `startWorker()` or `createWorker()` on, until those workers have ended. */
export function hasExplicitWorker(): boolean {
  return runtime().explicitWorkers > 0;
}

/** The worker that `startWorker()` makes; it replaces one that was started on the way. */
export async function createRuntimeWorker(options: WorkerOptions): Promise<RunningWorker> {
  const state = runtime();
  // The one before goes on until there is another: a mistake in the options, or a World that is away, must not leave the process without.
  const worker = await explicitly(() => makeWorker(options));
  const before = state.worker;
  const current: Starting = { promise: Promise.resolve(worker), now: worker };
  state.worker = current;
  if (before) await stopQuietly(before);
  return keptAlive(worker, () => {
    if (state.worker === current) state.worker = null;
  });
}

/** A worker beside that of the process. */
export async function createWorkerOn(world: World, options: WorkerOptions): Promise<RunningWorker> {
  const worker = await explicitly(async () => {
    await world.setup();
    return makeWorkerOn(world, options);
  });
  return keptAlive(worker, () => undefined);
}

/** Counts a worker from now until it has ended, or was not made. */
async function explicitly(make: () => Promise<Worker>): Promise<Worker> {
  assertWorks("A worker was started");
  const state = runtime();
  const forget = (): void => void state.explicitWorkers--;
  state.explicitWorkers++;
  try {
    const worker = await make();
    void worker.stopped.then(forget);
    return worker;
  } catch (error) {
    forget();
    throw error;
  }
}

/** The process lives for as long as the worker does, however that ends. */
function keptAlive(worker: Worker, stopping: () => void): RunningWorker {
  const release = worker.keepAlive();
  void worker.stopped.then(release);
  return {
    id: worker.id,
    stop() {
      stopping();
      return worker.stop();
    },
    drain(options = {}) {
      return worker.drain(options).finally(stopping);
    },
  };
}

/** A worker that never started has nothing to stop; whoever asked for it was told why. */
async function stopQuietly({ promise }: Starting): Promise<void> {
  const worker = await promise.catch(() => null);
  await worker?.stop();
}

/** A worker on the World of the process. */
async function makeWorker(options: WorkerOptions): Promise<Worker> {
  const state = runtime();
  handleExit(state);
  return makeWorkerOn(await getWorld(), options);
}

/** Whether a World is the one of this process. Opens none. */
function isCurrentWorld(world: World): boolean | Promise<boolean> {
  const current = runtime().world;
  if (!current || current.now) return current?.now === world;
  return current.promise.then(
    (opened) => opened === world,
    () => false,
  );
}

/** This process's worker, if it executes the runs of the World; started as by {@link currentWorker}. */
export function workerOf(world: World): Worker | null | Promise<Worker | null> {
  const isCurrent = isCurrentWorld(world);
  if (typeof isCurrent !== "boolean") return isCurrent.then((is) => (is ? currentWorker() : null));
  return isCurrent ? (runningWorker() ?? currentWorker()) : null;
}

/** Those in this process who await return values of a World. */
export function waitersOf(world: World): Waiters | Promise<Waiters> {
  const isCurrent = isCurrentWorld(world);
  if (typeof isCurrent !== "boolean") return isCurrent.then((is) => waitersAt(world, is));
  return waitersAt(world, isCurrent);
}

function waitersAt(world: World, isCurrent: boolean): Waiters {
  if (isCurrent) return currentWaiters(world);
  const { otherWaiters } = runtime();
  let waiters = otherWaiters.get(world);
  if (!waiters) otherWaiters.set(world, (waiters = createWaiters(world, () => false)));
  return waiters;
}

async function makeWorkerOn(world: World, options: WorkerOptions): Promise<Worker> {
  const state = runtime();
  const worker = await createWorker(world, options, {
    onEnded: (ended) => void tellWaiters(world, ended),
    observers: state.observers,
  });
  if (options.handleSignals !== false) void worker.stopped.then(state.signals.stopBy(worker.stop));
  return worker;
}

function tellWaiters(world: World, ended: EndedRun): void {
  const { waiters, otherWaiters } = runtime();
  if (waiters?.world === world) waiters.ended(ended);
  otherWaiters.get(world)?.ended(ended);
}

/** Sets who observes the workers of this process. */
export function setRuntimeObservers(observers: readonly Observer[]): void {
  runtime().observers.set(observers);
}

function currentWaiters(world: World): Waiters {
  const state = runtime();
  state.waiters ??= createWaiters(world, (runId) => state.worker?.now?.holds(runId) ?? false);
  return state.waiters;
}

/** A process that has nothing left to do gives its runs back before it ends, so that nobody waits for its lease. */
function handleExit(state: Runtime): void {
  if (state.isExitHandled) return;
  state.isExitHandled = true;
  process.once("beforeExit", () => void shutDown(state));
}

async function shutDown(state: Runtime): Promise<void> {
  state.isExitHandled = false;
  const { worker } = state;
  state.worker = null;
  if (worker) await stopQuietly(worker);
}
