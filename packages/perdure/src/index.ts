/**
 * What workflows and steps import. Inside a workflow these names are bound to the sandbox; the functions here are what they are on the host, where they say
 * what is wrong, or belong to steps.
 */
import { askHook, resumeHook } from "./api/hooks.ts";
import type { Duration } from "./duration.ts";
import { PerdureError } from "./errors/perdure-error.ts";
import { workflowScope } from "./in-place.ts";
import type { AskOptions, Hook, HookDefinition, HookOptions, StandardSchema } from "./hook.ts";
import type { Compensate } from "./saga.ts";
import { payloadCheck } from "./hook-schema.ts";
import type { ScopeHandle, ScopeOptions } from "./scope.ts";
import type { StepHandle } from "./step-handle.ts";
import type { StartOptions } from "./start-options.ts";
import { stepSettings, type StepCallOptions } from "./step-options.ts";
import type { AttributeChanges } from "./published.ts";
import { checkNamespace, defaultNamespace } from "./streams/namespace.ts";
import type { RequestWithResponse, Webhook, WebhookOptions } from "./webhook.ts";
import { currentStepContext, type StepMetadata, type WorkflowMetadata } from "./step-context.ts";

export type { Duration } from "./duration.ts";
export { CancelledError, TimeoutError } from "./errors/cancelled-error.ts";
export { FatalError, RetryableError } from "./errors/step-errors.ts";
export type { AskOptions, Hook, HookDefinition, HookOptions, HookRequest, StandardSchema } from "./hook.ts";
export type { AttributeChanges } from "./published.ts";
export type { Compensate } from "./saga.ts";
export type { ScopeHandle, ScopeOptions } from "./scope.ts";
export type { StepHandle } from "./step-handle.ts";
export type { WorkflowOptions } from "./workflow-options.ts";
export type { RetryPolicy, StepCallOptions, StepOptions, StepRetryPolicy } from "./step-options.ts";
export type { DurableFunction, NotSerializable, Serializable } from "./serializable.ts";
export type { StepMetadata, WorkflowMetadata } from "./step-context.ts";
export type { RequestWithResponse, Webhook, WebhookOptions } from "./webhook.ts";

/**
 * Waits durably: milliseconds, text such as `"1h 30m"`, or until a Date. While a run sleeps it needs no process; it goes on when the time has come
 * and a worker is there.
 * @throws NOT_IN_WORKFLOW outside of a workflow, INVALID_ARGUMENT
 */
export function sleep(until: Duration | Date): Promise<void> {
  return workflowScope()?.sleep(until) ?? Promise.reject(notInWorkflow("sleep()"));
}

/**
 * Opens a hook: a place where payloads arrive from outside, by `resumeHook(hook.token, payload)`.
 * @throws NOT_IN_WORKFLOW outside of a workflow
 * @example
 * const approval = createHook<{ approved: boolean }>({ token: `approve-${order.id}` });
 * const { approved } = await approval;
 */
export function createHook<T = unknown>(options?: HookOptions): Hook<T> {
  const scope = workflowScope();
  if (scope) return scope.createHook<T>(options);
  throw notInWorkflow("createHook()");
}

/**
 * Opens a webhook: a hook that is reached over HTTP, at `webhook.url`, where `perdure/http` is mounted. Its payloads are the requests.
 * @throws NOT_IN_WORKFLOW outside of a workflow, INVALID_ARGUMENT, SERIALIZATION_FAILED
 * @example
 * const webhook = createWebhook({ respondWith: "manual" });
 * await sendLink(webhook.url);
 * const request = await webhook;
 * await request.respondWith(new Response("Thank you"));
 */
export function createWebhook(options: WebhookOptions<"manual"> & { readonly respondWith: "manual" }): Webhook<RequestWithResponse>;
export function createWebhook(options?: WebhookOptions<Response | undefined>): Webhook;
export function createWebhook(options?: WebhookOptions): Webhook {
  const scope = workflowScope();
  if (scope) return scope.createWebhook(options);
  throw notInWorkflow("createWebhook()");
}

/**
 * Defines a typed hook, with a schema (Standard Schema: zod, valibot and others) that checks each payload before it is delivered; what it makes of the payload is what arrives.
 * @throws INVALID_ARGUMENT for a schema that is none
 * @example
 * export const approval = defineHook<{ approved: boolean }>();
 * // in the workflow:   const { approved } = await approval.create({ token });
 * // anywhere else:     await approval.resume(token, { approved: true });
 */
export function defineHook<Input = unknown, Output = Input>({
  schema,
}: { readonly schema?: StandardSchema<Input, Output> } = {}): HookDefinition<Input, Output> {
  const check = payloadCheck(schema);
  return {
    create: (hookOptions) => {
      const scope = workflowScope();
      if (scope) return scope.createHook<Output>(hookOptions);
      throw notInWorkflow("defineHook().create()");
    },
    async resume(token, payload, resumeOptions) {
      return resumeHook(token, await check(payload), resumeOptions);
    },
    async ask<Reply>(token: string, payload: Input, askOptions?: AskOptions) {
      return askHook<Reply>(token, await check(payload), askOptions);
    },
  };
}

/**
 * The same step with options of this call. They win over those of the step's function.
 * @throws INVALID_ARGUMENT; in a workflow also for a function that is no step
 * @example
 * const receipt = await withOptions(charge, { timeout: "10s", retry: { maxAttempts: 10 } })(order);
 */
export function withOptions<A extends unknown[], R>(
  step: (...args: A) => Promise<R>,
  options: StepCallOptions,
): (...args: A) => Promise<R> {
  const workflow = workflowScope();
  if (workflow) return workflow.withOptions(step, options);
  stepSettings(options, "options of withOptions()", false);
  return step;
}

/**
 * Ends the run and goes on in a new one with these arguments, of the same workflow in its present code: for workflows without end, whose history would grow
 * for ever. Return it. The new run takes over the id that the run was given, and whoever waits for the run waits for that one. `finally` blocks on the way out are
 * executed; an error handler must let it pass.
 * @throws NOT_IN_WORKFLOW outside of a workflow, SERIALIZATION_FAILED, CANCELLED
 * @example
 * return continueAsNew<typeof poll>([cursor]);
 */
export async function continueAsNew<F extends (...args: never[]) => Promise<unknown> = (...args: unknown[]) => Promise<unknown>>(
  args: Parameters<F>,
): Promise<never> {
  const workflow = workflowScope();
  if (workflow) return workflow.continueAsNew(args);
  throw notInWorkflow("continueAsNew()");
}

/**
 * Starts a step, or a run of another workflow, and returns at once: starting and awaiting are separate, and what was started can be given up.
 * @throws NOT_IN_WORKFLOW outside of a workflow, INVALID_ARGUMENT
 * @example
 * const search = spawn(searchFlights, [query], { timeout: "1m" });
 * const hotels = await searchHotels(query);
 * if (hotels.length === 0) search.cancel("no hotels");
 */
export function spawn<A extends unknown[], R>(
  step: (...args: A) => Promise<R>,
  args: A,
  options?: StepCallOptions | StartOptions,
): StepHandle<R> {
  const workflow = workflowScope();
  if (workflow) return workflow.spawn(step, args, options);
  throw notInWorkflow("spawn()");
}

/**
 * Whether the run takes a new way where workflow code has changed: true for a run that comes here on code that asks, false for one that passed here on code
 * that did not, however often it is replayed. The first answer for a name stands for the whole run.
 * @throws NOT_IN_WORKFLOW outside of a workflow, INVALID_ARGUMENT
 * @example
 * if (patched("audit-2026")) await audit(order);
 */
export function patched(name: string): boolean {
  const workflow = workflowScope();
  if (!workflow) throw notInWorkflow("patched()");
  return workflow.patched(name);
}

/**
 * Publishes a value for whoever looks at the run: `run.read(key)`, `run.watch(key)`. It is seen once the turn that published it is durable, and stays when
 * the run is over; `undefined` removes it.
 * @throws NOT_IN_WORKFLOW outside of a workflow, INVALID_ARGUMENT, SERIALIZATION_FAILED
 * @example
 * publish("progress", { done: 3, of: 10 });
 */
export function publish(key: string, value: unknown): void {
  const workflow = workflowScope();
  if (!workflow) throw notInWorkflow("publish()");
  workflow.publish(key, value);
}

/**
 * Changes the attributes by which the run can be found; null removes one. At most 64 per run.
 * @throws NOT_IN_WORKFLOW outside of a workflow, INVALID_ARGUMENT
 * @example
 * setAttributes({ customer: order.customer, stage: "shipping" });
 */
export function setAttributes(attributes: AttributeChanges): void {
  const workflow = workflowScope();
  if (!workflow) throw notInWorkflow("setAttributes()");
  workflow.setAttributes(attributes);
}

/**
 * Runs a part of a workflow that can be cancelled on its own: by `timeout`, by `signal`, by the `cancel` that it is given, and with what is around it.
 * Pending durable calls in it then reject with a CancelledError; after a timeout `scope()` itself rejects with a TimeoutError.
 * @throws NOT_IN_WORKFLOW outside of a workflow, TIMED_OUT, CANCELLED, INVALID_ARGUMENT
 * @example
 * const quote = await scope({ timeout: "30s" }, () => Promise.any([askFirst(order), askSecond(order)]));
 */
export async function scope<T>(options: ScopeOptions, part: (scope: ScopeHandle) => Promise<T> | T): Promise<T> {
  const workflow = workflowScope();
  if (workflow) return workflow.scope(options, part);
  throw notInWorkflow("scope()");
}

/**
 * Runs a part of a workflow that goes on when the run, or a scope around it, is cancelled: for cleaning up.
 * @throws NOT_IN_WORKFLOW outside of a workflow
 * @example
 * try { … } finally { await shield(() => refund(order)); }
 */
export async function shield<T>(part: () => Promise<T> | T): Promise<T> {
  const workflow = workflowScope();
  if (workflow) return workflow.shield(part);
  throw notInWorkflow("shield()");
}

/**
 * Runs a part of a workflow that undoes what it has done when it fails. Each `compensate(undo)` adds a function; when the part throws, what is pending in it is
 * cancelled, and the functions are called one after another, the last one first, inside a `shield()`: after a cancellation too. Then the part's error is thrown.
 *
 * A compensation that fails does not stop the others; `saga()` then throws an AggregateError of what they threw, whose `cause` is the part's error. Say how to
 * undo a step before it is called when it may have taken effect although it failed; undoing must then be harmless where nothing was done.
 * @throws NOT_IN_WORKFLOW outside of a workflow, INVALID_ARGUMENT
 * @example
 * await saga(async (compensate) => {
 *   const room = await reserve(trip);
 *   compensate(() => release(room));
 *   await charge(trip);
 * });
 */
export async function saga<T>(part: (compensate: Compensate) => Promise<T> | T): Promise<T> {
  const workflow = workflowScope();
  if (workflow) return workflow.saga(part);
  throw notInWorkflow("saga()");
}

/**
 * Says that the running attempt of a long step is alive, and how far it has come. When it fails, times out, or its process ends, the next attempt of the
 * step finds the last progress in `getStepMetadata().progress`, and can go on from there.
 *
 * Returns at once. The first report of an attempt is recorded in the run's history, further ones at most every second, later every half a minute: a crash
 * may lose what was reported in between, a failure does not. Without an argument nothing is reported. Counts for the step's `heartbeatTimeout`.
 * @param progress any value that can be stored; small, for each report that is recorded stays in the history
 * @throws NOT_IN_STEP, SERIALIZATION_FAILED
 * @example
 * const done = (getStepMetadata().progress as number | undefined) ?? 0;
 * for (const [index, row] of rows.entries()) {
 *   if (index < done) continue;
 *   await send(row);
 *   heartbeat(index + 1);
 * }
 */
export function heartbeat(progress?: unknown): void {
  workflowScope()?.heartbeat();
  currentStepContext("heartbeat()").heartbeat(progress);
}

/** What the running attempt of a step may know of itself. @throws NOT_IN_STEP */
export function getStepMetadata(): StepMetadata {
  return workflowScope()?.getStepMetadata() ?? currentStepContext("getStepMetadata()").step;
}

/** What workflow code, or a step, may know of its run. @throws NOT_IN_STEP outside of both */
export function getWorkflowMetadata(): WorkflowMetadata {
  return workflowScope()?.getWorkflowMetadata() ?? currentStepContext("getWorkflowMetadata()").workflow;
}

export interface WritableOptions {
  /** Which of the run's streams; default `"default"`. */
  readonly namespace?: string;
}

/**
 * A durable stream of the run, which `run.getReadable()` reads, live. Chunks are values, or bytes (Uint8Array), which are stored as they are.
 *
 * In a step they go to the World at once; `writer.ready` waits while much of them is under way. `close()` ends the stream with the step: in the commit of its result. The step's result waits for
 * all that was written. An attempt that is made again writes again, see `getStepMetadata().attempt`.
 *
 * In workflow code they are part of the turn: each is there once, however often the code is replayed. The stream can be passed to steps, and returned.
 * @throws NOT_IN_STEP outside of both, INVALID_ARGUMENT; writing rejects with STREAM_CLOSED, STREAM_NOT_WRITABLE, SERIALIZATION_FAILED, VALUE_TOO_LARGE, and the
 * reason of the attempt's `signal`
 * @example
 * const writer = getWritable<string>().getWriter();
 * for await (const token of answer) await writer.write(token);
 * writer.releaseLock();
 */
export function getWritable<T = unknown>(options: WritableOptions = {}): WritableStream<T> {
  const workflow = workflowScope();
  if (workflow) return workflow.getWritable<T>(options);
  const step = currentStepContext("getWritable()");
  return step.getWritable(checkNamespace(options.namespace ?? defaultNamespace, "getWritable()")) as WritableStream<T>;
}

function notInWorkflow(what: string): PerdureError {
  return new PerdureError("NOT_IN_WORKFLOW", `${what} was called outside of a workflow.`);
}
