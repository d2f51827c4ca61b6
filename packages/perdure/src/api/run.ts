import type { RunRecord } from "@perdure/world";

import { decode, encode } from "../codec/index.ts";
import { WorkflowRunCancelledError, WorkflowRunFailedError, WorkflowRunNotFoundError } from "../errors/run-errors.ts";
import { currentWaiters, currentWorker, getWorld } from "../runtime.ts";
import { toBytes } from "../run-input.ts";
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
