import type { RunRecord } from "@perdure/world";

import { decode, encode } from "../codec/index.ts";
import { WorkflowRunCancelledError, WorkflowRunFailedError, WorkflowRunNotFoundError } from "../errors/run-errors.ts";
import { currentWaiters, currentWorker, getWorld } from "../runtime.ts";
import { CancelledError } from "../errors/cancelled-error.ts";
import { setTimeout } from "../host-timers.ts";
import { checkStateKey } from "../published.ts";
import { toBytes, toText } from "../run-input.ts";
import type { EndedRun } from "../worker/core.ts";
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
  /** The value that the run published under a key; undefined when there is none. @throws RUN_NOT_FOUND */
  read(key: string): Promise<unknown>;
  /** The value that the run publishes under a key: as it is now, and each time that it has changed, until the run is over. Values in between may be left out. @throws RUN_NOT_FOUND */
  watch(key: string): AsyncIterable<unknown>;
  /** What the run can be found by. @throws RUN_NOT_FOUND */
  readonly attributes: Promise<Readonly<Record<string, string | number | boolean>>>;
}

export interface CancelOptions {
  /** Why, for the workflow (`error.cause`) and for whoever looks at the run. A text, or any value that can be stored. */
  readonly reason?: unknown;
}

/** A handle for the run with this id; whether it exists shows when the handle is used. */
export function getRun<R = unknown>(id: string): Run<R> {
  return runHandle<R>(id, null);
}

/** @param known the World's own id, where the caller has it already */
export function runHandle<R>(id: string, known: string | null): Run<R> {
  return {
    runId: id,
    get status() {
      return findRun(id).then((run) => (run.status === "running" && run.fence === 0 ? "pending" : run.status));
    },
    get returnValue() {
      return returnValueOf<R>(id, known);
    },
    get note() {
      return findRun(id).then((run) => run.note);
    },
    cancel: (options) => cancelRun(id, options),
    terminate: (options) => terminateRun(id, options),
    read: (key) => readState(id, key),
    watch: (key) => watchState(id, key),
    get attributes() {
      return findRun(id).then((run) => run.attributes);
    },
  };
}

const uuidShape = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

async function findRun(id: string): Promise<RunRecord> {
  const { query } = await getWorld();
  const run = (uuidShape.test(id) ? await query.run({ id }) : null) ?? (await query.run({ key: id }));
  if (!run) throw new WorkflowRunNotFoundError(id);
  return run;
}

async function cancelRun(id: string, { reason }: CancelOptions = {}): Promise<"requested" | "ended"> {
  const payload = toBytes(encode(reason, "reason"));
  const run = await findRun(id);
  if (run.status !== "running") return "ended";
  const world = await getWorld();
  const [delivery] = await world.deliver([{ id: "cancel", to: { runId: run.id }, kind: "cancel", payload }]);
  if (!delivery || delivery.status === "not_found") throw new WorkflowRunNotFoundError(id);
  return delivery.status === "ended" ? "ended" : "requested";
}

async function terminateRun(id: string, { reason }: CancelOptions = {}): Promise<"ended"> {
  const error = new CancelledError(reason);
  const output = toBytes(encode(error, "reason"));
  const run = await findRun(id);
  await (await getWorld()).end(run.id, { status: "cancelled", output, note: `terminated: ${error.message}`.slice(0, 500) });
  return "ended";
}

async function readState(id: string, key: string): Promise<unknown> {
  checkStateKey(key);
  const run = await findRun(id);
  const [entry] = await (await getWorld()).query.state(run.id, key);
  return entry && decode(toText(entry.value));
}

/** Hints say when to look; a look once a second makes up for lost ones. */
async function* watchState(id: string, key: string): AsyncGenerator<unknown, void> {
  checkStateKey(key);
  const world = await getWorld();
  const { id: runId } = await findRun(id);
  let wake = (): void => undefined;
  const unwatch = world.watch((hint) => {
    if ((hint.kind === "state" || hint.kind === "ended") && hint.runId === runId) wake();
  });
  try {
    let seen = 0;
    for (;;) {
      const hinted = new Promise<void>((resolve) => (wake = resolve));
      const [run] = await world.query.runsById([runId]);
      const [entry] = await world.query.state(runId, key);
      if (entry && entry.version !== seen) {
        seen = entry.version;
        yield decode(toText(entry.value));
      }
      if (!run || run.status !== "running") return;
      await Promise.race([hinted, pause(longestLook)]);
    }
  } finally {
    unwatch();
  }
}

const longestLook = 1000;

const pause = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms));

async function returnValueOf<R>(id: string, known: string | null): Promise<R> {
  const world = await getWorld();
  const waiters = currentWaiters(world);
  // A process that waits for a result executes runs too, like one that starts them.
  const worker = await currentWorker();
  if (known !== null && worker?.holds(known)) return valueOf<R>(id, await waiters.wait(known), null);
  const run = await findRun(id);
  return valueOf<R>(id, endOf(run) ?? (await waiters.wait(run.id)), run);
}

async function valueOf<R>(id: string, ended: EndedRun, run: RunRecord | null): Promise<R> {
  const text = Buffer.from(ended.output).toString("utf8");
  switch (ended.status) {
    case "completed":
      return decode(text) as R;
    case "failed": {
      const cause = decode(text);
      const { version, workflowId } = run ?? (await findRun(id));
      if (cause instanceof Error) await mapStack(cause, workflowId, version);
      throw new WorkflowRunFailedError(id, cause);
    }
    case "cancelled":
      throw new WorkflowRunCancelledError(id, ended.output.length === 0 ? undefined : decode(text));
    default:
      return ended.status satisfies never;
  }
}
