import { isRunId, type RunRecord, type World } from "@perdure/world";
import { v4 as uuid } from "uuid";

import { createBell } from "../bell.ts";
import { decode, decodeWith, encode, makeRunsBy, markRun, type StreamOpener } from "../codec/index.ts";
import { WorkflowRunCancelledError, WorkflowRunFailedError, WorkflowRunNotFoundError } from "../errors/run-errors.ts";
import { getWorld, openedWorld, waitersOf, workerOf } from "../runtime.ts";
import { CancelledError } from "../errors/cancelled-error.ts";
import { PerdureError } from "../errors/perdure-error.ts";
import { workflowScope } from "../in-place.ts";
import { checkStateKey } from "../published.ts";
import { toBytes, toText } from "../run-input.ts";
import { createReader, RunReadable, type ReadableOptions } from "../streams/readable.ts";
import { streamsOf } from "../streams/process-streams.ts";
import type { StreamReader } from "../streams/stream-reader.ts";
import type { EndedRun } from "../worker/core.ts";
import { cancelChildren } from "../worker/other-runs.ts";
import { eventsOf, waitsOf, type RunEvent, type RunWait } from "./history.ts";
import { fork, repin, rewind, type ForkOptions, type RewindOptions, type Rewound, type Version } from "./repair.ts";
import { mapStack } from "./stack.ts";
import { endOf } from "./waiters.ts";

/** `pending`: not yet taken up by a worker. `running`: open. The others are final. */
export type WorkflowRunStatus = "pending" | "running" | "completed" | "failed" | "cancelled";

/** A handle of a run. It holds no data; each property asks the World. */
export interface Run<R> {
  /** The id that `start()` was given, else the one that it made (UUID version 7). */
  readonly runId: string;
  /** @throws RUN_NOT_FOUND */
  readonly status: Promise<WorkflowRunStatus>;
  /**
   * Waits for the end. The value is what the workflow returned, as read from the World.
   * @throws RUN_FAILED (its `cause` is what the workflow threw), RUN_CANCELLED, RUN_NOT_FOUND
   */
  readonly returnValue: Promise<R>;
  /** What an open run waits for, or why a run failed: one line for people, or null. @throws RUN_NOT_FOUND */
  readonly note: Promise<string | null>;
  /**
   * What an open run waits for, each with its kind, its name and since when; empty when the run is over. Read from its history, so it costs as much as that is long: for many runs at once
   * there is `note`. @throws RUN_NOT_FOUND
   */
  readonly waits: Promise<readonly RunWait[]>;
  /** The run's history as it is now, from its first event on; values and errors are decoded when they are read. @throws RUN_NOT_FOUND */
  events(): AsyncIterable<RunEvent>;
  /**
   * Asks the run to end. Its pending calls reject with a CancelledError, running steps are told by their `signal`, and the workflow may clean up (in
   * `finally`, inside `shield()`) before it ends as `cancelled`; a workflow that catches the error and returns has completed. Resolves once the request is
   * durable: `requested`, or `ended` when the run was over already. Asking again changes nothing.
   * @throws RUN_NOT_FOUND, SERIALIZATION_FAILED
   */
  cancel(options?: CancelOptions): Promise<"requested" | "ended">;
  /**
   * Ends the run as cancelled at once, without asking: nothing is cleaned up, and what its steps are doing is ignored. For runs that do not react to
   * `cancel()`. `ended` also when it was over already.
   * @throws RUN_NOT_FOUND, SERIALIZATION_FAILED
   */
  terminate(options?: CancelOptions): Promise<"ended">;
  /**
   * Ends what the run sleeps for, now: all its pending `sleep()` calls, or the one that is named; they resolve as if their time had come. Timers, time limits of scopes and
   * pauses between attempts are left as they are. A run whose start was put off begins. Resolves once the request is durable: `requested`, or `ended` when the
   * run was over already. Sleeps that begin after the request has reached the run are not meant.
   * @throws RUN_NOT_FOUND, INVALID_ARGUMENT
   */
  wakeUp(options?: WakeUpOptions): Promise<"requested" | "ended">;
  /** The value that the run published under a key; undefined when there is none. @throws RUN_NOT_FOUND */
  read(key: string): Promise<unknown>;
  /** The value that the run publishes under a key: as it is now, and each time that it has changed, until the run is over, also in the runs in which it goes on. Values in between may be left out. @throws RUN_NOT_FOUND */
  watch(key: string): AsyncIterable<unknown>;
  /**
   * A durable stream of the run: what its steps and its workflow code write to `getWritable()`, from the beginning or any other chunk on, live. It ends where the
   * stream was closed, or where it had come to when the run was over.
   * @throws INVALID_ARGUMENT; reading rejects with RUN_NOT_FOUND, also when the run is deleted, and with the error with which the stream breaks off
   */
  getReadable<T = unknown>(options?: ReadableOptions): RunReadable<T>;
  /** `getReadable()`: the stream of the namespace `"default"`, from its first chunk on. Each time another one. */
  readonly readable: RunReadable<unknown>;
  /**
   * Takes back the end of the run's history and lets it go on from there, on other code if that is said: the steps of the rows that it keeps are not executed again, all else is. For runs that have
   * failed or were cancelled, and open ones; one that has completed can be forked. Its id stays. What it was is kept as another run, `copy`, which is over. See docs/repairing.md.
   * @throws RUN_NOT_FOUND, RUN_CHANGED, REPAIR_REFUSED, VERSION_NOT_FOUND, INVALID_ARGUMENT
   */
  rewind(options?: RewindOptions): Promise<Rewound>;
  /**
   * Starts another run that has the first rows of this one's history and goes on from there, on other code or with other arguments if that is said. This one stays as it is. Steps of the
   * rows that are copied are not executed; chance, tokens and the ids of what is started behind them are the new run's own. See docs/repairing.md.
   * @throws RUN_NOT_FOUND, RUN_ALREADY_EXISTS, REPAIR_REFUSED, VERSION_NOT_FOUND, INVALID_ARGUMENT, SERIALIZATION_FAILED, VALUE_TOO_LARGE
   */
  fork(options?: ForkOptions): Promise<Run<R>>;
  /**
   * Gives an open run other code, also one that is parked because its code and its history disagree. Whoever executes it loses it; it is taken up again at once, and its history replayed by the
   * new code. Resolves once that is durable.
   * @throws RUN_NOT_FOUND, RUN_CHANGED, REPAIR_REFUSED, VERSION_NOT_FOUND, INVALID_ARGUMENT
   */
  repin(version: Version): Promise<void>;
  /** What the run can be found by. @throws RUN_NOT_FOUND */
  readonly attributes: Promise<Readonly<Record<string, string | number | boolean>>>;
}

export interface CancelOptions {
  /** Why, for the workflow (`error.cause`) and for whoever looks at the run. A text, or any value that can be stored. */
  readonly reason?: unknown;
}

export interface WakeUpOptions {
  /** The sleep to end, by its place among those that the run has asked for: `sleep#2` is the second. Default: all that are pending. */
  readonly operation?: string;
}

export interface GetRunOptions {
  /** The World that has the run; it must have been set up. Default: the one of the process. */
  readonly world?: World;
}

/** What a run gives back: `T` itself, or what the workflow of this type does. */
export type RunResult<T> = { any: 0 } extends { any: 1 & T } ? T : [T] extends [(...args: never) => infer R] ? Awaited<R> : T;

/**
 * A handle for the run with this id; whether it exists shows when the handle is used.
 * @example
 * const receipt = await getRun<typeof fulfilOrder>(`order-${order.id}`).returnValue;
 */
export function getRun<T = unknown>(id: string, { world }: GetRunOptions = {}): Run<RunResult<T>> {
  // What a handle has outside of workflow code only says so there when it is used.
  const inWorkflow = workflowScope()?.getRun(id) as Run<RunResult<T>> | undefined;
  return inWorkflow ?? runHandle<RunResult<T>>({ id, known: null, world: world ?? null });
}

makeRunsBy((id) => getRun(id));

/** Which run a handle means. */
export interface RunAddress {
  readonly id: string;
  /** The World's own id, where the caller has it already. */
  readonly known: string | null;
  /** Null: the one of the process, whichever that is when it is used. */
  readonly world: World | null;
}

export function runHandle<R>(address: RunAddress): Run<R> {
  const handle = new RunHandle<R>(address);
  if (address.world) worlds.set(handle, address.world);
  return markRun(handle, address.id);
}

/** (A class, and not an object of closures: one is made with every start.) */
class RunHandle<R> implements Run<R> {
  readonly runId: string;
  readonly #address: RunAddress;

  constructor(address: RunAddress) {
    this.runId = address.id;
    this.#address = address;
  }

  get status(): Promise<WorkflowRunStatus> {
    return findRun(this.#address).then((run) => (run.status === "running" && run.fence === 0 ? "pending" : run.status));
  }

  get returnValue(): Promise<R> {
    return returnValueOf<R>(this.#address);
  }

  get note(): Promise<string | null> {
    return findRun(this.#address).then((run) => run.note);
  }

  get waits(): Promise<readonly RunWait[]> {
    return findRun(this.#address).then(async (run) => waitsOf(await worldOf(this.#address), run));
  }

  events(): AsyncIterable<RunEvent> {
    return readEvents(this.#address);
  }

  async cancel(options?: CancelOptions): Promise<"requested" | "ended"> {
    return cancelRun(this.#address, options);
  }

  async terminate(options?: CancelOptions): Promise<"ended"> {
    return terminateRun(this.#address, options);
  }

  async wakeUp(options?: WakeUpOptions): Promise<"requested" | "ended"> {
    return wakeRun(this.#address, options);
  }

  async rewind(options: RewindOptions = {}): Promise<Rewound> {
    return rewind(await worldOf(this.#address), () => findRun(this.#address), options);
  }

  async fork(options: ForkOptions = {}): Promise<Run<R>> {
    return forkRun<R>(this.#address, options);
  }

  async repin(version: Version): Promise<void> {
    await repin(await worldOf(this.#address), () => findRun(this.#address), version);
  }

  async read(key: string): Promise<unknown> {
    return readState(this.#address, key);
  }

  watch(key: string): AsyncIterable<unknown> {
    return watchState(this.#address, key);
  }

  getReadable<T = unknown>(options?: ReadableOptions): RunReadable<T> {
    return new RunReadable(streamReader(this.#address, options));
  }

  get readable(): RunReadable<unknown> {
    return new RunReadable(streamReader(this.#address));
  }

  get attributes(): Promise<Readonly<Record<string, string | number | boolean>>> {
    return findRun(this.#address).then((run) => run.attributes);
  }
}

const worlds = new WeakMap<Run<unknown>, World>();

/** The World that a handle was made for; null: that of the process. */
export function worldOfHandle(run: Run<unknown>): World | null {
  return worlds.get(run) ?? null;
}

function streamReader(address: RunAddress, options?: ReadableOptions): StreamReader {
  return createReader(async (name) => ({ world: await worldOf(address), runId: (await findRun(address)).id, name }), options);
}

async function worldOf({ world }: RunAddress): Promise<World> {
  return world ?? getWorld();
}

/** The run, or the one in which it goes on by now. @throws RUN_NOT_FOUND */
async function findRun(address: RunAddress): Promise<RunRecord> {
  const { id } = address;
  const { query } = await worldOf(address);
  let run = (isRunId(id) ? await query.run({ id }) : null) ?? (await query.run({ key: id }));
  while (run?.successor) run = await query.run({ id: run.successor });
  if (!run) throw new WorkflowRunNotFoundError(id);
  return run;
}

async function* readEvents(address: RunAddress): AsyncGenerator<RunEvent, void> {
  yield* eventsOf(await worldOf(address), await findRun(address));
}

async function forkRun<R>(address: RunAddress, options: ForkOptions): Promise<Run<R>> {
  const { id, key } = await fork(await worldOf(address), await findRun(address), options);
  return runHandle<R>({ id: key ?? id, known: id, world: address.world });
}

async function cancelRun(address: RunAddress, { reason }: CancelOptions = {}): Promise<"requested" | "ended"> {
  return ask(address, { id: "cancel", kind: "cancel", payload: encode(reason, "reason") });
}

async function wakeRun(address: RunAddress, { operation }: WakeUpOptions = {}): Promise<"requested" | "ended"> {
  if (operation !== undefined && !/^sleep#[1-9]\d{0,15}$/.test(operation)) {
    throw new PerdureError(
      "INVALID_ARGUMENT",
      `wakeUp({ operation }) is ${JSON.stringify(operation)}; it must name a sleep, as "sleep#2" does.`,
    );
  }
  return ask(address, { id: uuid(), kind: "wake", payload: encode(operation, "operation") });
}

/** Sends an open run a request. */
async function ask(
  address: RunAddress,
  { id, kind, payload }: { readonly id: string; readonly kind: string; readonly payload: string },
): Promise<"requested" | "ended"> {
  const run = await findRun(address);
  if (run.status !== "running") return "ended";
  const world = await worldOf(address);
  const [delivery] = await world.deliver([{ id, to: { runId: run.id }, kind, payload: toBytes(payload) }]);
  if (!delivery || delivery.status === "not_found") throw new WorkflowRunNotFoundError(address.id);
  return delivery.status === "ended" ? "ended" : "requested";
}

async function terminateRun(address: RunAddress, { reason }: CancelOptions = {}): Promise<"ended"> {
  const error = new CancelledError(reason);
  const output = toBytes(encode(error, "reason"));
  const end = { status: "cancelled", output, note: `terminated: ${error.message}`.slice(0, 500) } as const;
  const world = await worldOf(address);
  let run = await findRun(address);
  // A run that is over may have gone on since it was looked up.
  for (let isOver = false; !isOver;) {
    const outcome = await world.end(run.id, end);
    await cancelChildren(world, run.id);
    const last = outcome === "already" ? await findRun({ ...address, id: run.id }) : run;
    isOver = last.id === run.id;
    run = last;
  }
  return "ended";
}

async function readState(address: RunAddress, key: string): Promise<unknown> {
  checkStateKey(key);
  const run = await findRun(address);
  const [entry] = await (await worldOf(address)).query.state(run.id, key);
  return entry && decode(toText(entry.value));
}

/** Hints say when to look; a look once a second makes up for lost ones. */
async function* watchState(address: RunAddress, key: string): AsyncGenerator<unknown, void> {
  checkStateKey(key);
  const world = await worldOf(address);
  let { id: runId } = await findRun(address);
  const bell = createBell();
  const unwatch = world.watch((hint) => {
    if ((hint.kind === "state" || hint.kind === "ended") && hint.runId === runId) bell.ring();
  });
  try {
    let seen = 0;
    for (;;) {
      const [run] = await world.query.runsById([runId]);
      const [entry] = await world.query.state(runId, key);
      if (entry && entry.version !== seen) {
        seen = entry.version;
        yield decode(toText(entry.value));
      }
      if (run?.successor) {
        runId = run.successor;
        seen = 0;
        continue;
      }
      if (!run || run.status !== "running") return;
      await bell.wait(longestLook);
    }
  } finally {
    unwatch();
  }
}

const longestLook = 1000;

async function returnValueOf<R>(address: RunAddress): Promise<R> {
  const { known } = address;
  const world = address.world ?? openedWorld() ?? (await getWorld());
  const itsWaiters = waitersOf(world);
  const waiters = itsWaiters instanceof Promise ? await itsWaiters : itsWaiters;
  // A process that waits for a result executes runs too, like one that starts them.
  const itsWorker = workerOf(world);
  const worker = itsWorker instanceof Promise ? await itsWorker : itsWorker;
  let run = known !== null && worker?.holds(known) ? null : await findRun(address);
  let ended = (run && endOf(run)) ?? (await waiters.wait(run?.id ?? known ?? address.id));
  while (ended.successor !== null) {
    const next = ended.successor;
    run = worker?.holds(next) ? null : await findRun({ ...address, id: next });
    ended = (run && endOf(run)) ?? (await waiters.wait(next));
  }
  return valueOf<R>(address, ended, run);
}

const streamsIn = (address: RunAddress): StreamOpener => streamsOf(() => worldOf(address));

/** @throws (at once or later) RUN_FAILED, RUN_CANCELLED */
function valueOf<R>(address: RunAddress, ended: EndedRun, run: RunRecord | null): R | Promise<R> {
  const { id } = address;
  const text = toText(ended.output);
  switch (ended.status) {
    case "completed":
      return decodeWith(streamsIn(address), text) as R;
    case "failed":
      return failWith(address, decode(text), ended, run);
    case "cancelled":
      throw new WorkflowRunCancelledError(id, ended.output.length === 0 ? undefined : decode(text));
    default:
      return ended.status satisfies never;
  }
}

async function failWith(address: RunAddress, cause: unknown, { runId }: EndedRun, run: RunRecord | null): Promise<never> {
  if (cause instanceof Error) await mapStack(cause, await worldOf(address), run ?? (await findRun({ ...address, id: runId })));
  throw new WorkflowRunFailedError(address.id, cause);
}
