import { decode, encodeReading } from "../codec/index.ts";
import { maxValueBytes } from "../config.ts";
import { durationMs, type Duration } from "../duration.ts";
import { HookNotFoundError } from "../errors/hook-errors.ts";
import { PerdureError } from "../errors/perdure-error.ts";
import { requestId } from "../hook-messages.ts";
import { readHookMetadata, type WebhookAnswer } from "../hook-metadata.ts";
import { monotonicNow } from "../host-timers.ts";
import { toBytes, toText } from "../run-input.ts";
import { currentWorker, getWorld } from "../runtime.ts";
import { awaitReply } from "./replies.ts";

export interface ResumeWebhookOptions {
  /** How long to wait for the workflow's answer, where it answers itself. Default: 30 seconds. */
  readonly timeout?: Duration;
}

/**
 * Delivers a request to the workflow that holds the webhook, and resolves with what the sender gets: 202, the response that `createWebhook()` was given, or what the workflow answers.
 * The request's body is used up. When the promise resolves the request is durable. A private hook, one made by `createHook()`, is not found. Waiting ends when `request.signal` is aborted.
 * @throws HOOK_NOT_FOUND, HOOK_NO_REPLY, TIMED_OUT, SERIALIZATION_FAILED, VALUE_TOO_LARGE, INVALID_ARGUMENT
 */
export async function resumeWebhook(token: string, request: Request, options: ResumeWebhookOptions = {}): Promise<Response> {
  if (Object.prototype.toString.call(request) !== "[object Request]") {
    throw new PerdureError("INVALID_ARGUMENT", "resumeWebhook(token, request) takes a Request.");
  }
  const webhook = await findWebhook(token);
  if (!webhook) throw new HookNotFoundError(token);
  return deliverRequest(webhook, request, options);
}

/** A living webhook. */
export interface FoundWebhook {
  readonly token: string;
  readonly respondWith: WebhookAnswer;
}

/** Null for a token that nobody has, or that a private hook has. */
export async function findWebhook(token: string): Promise<FoundWebhook | null> {
  if (typeof token !== "string" || token.length === 0 || token.length > 512) return null;
  const hook = await (await getWorld()).query.hook(token);
  const webhook = hook?.metadata ? readHookMetadata(toText(hook.metadata)).webhook : null;
  return webhook && { token, respondWith: webhook.respondWith };
}

/** The rest of {@link resumeWebhook}. */
export async function deliverRequest(
  { token, respondWith }: FoundWebhook,
  request: Request,
  { timeout = "30s" }: ResumeWebhookOptions,
): Promise<Response> {
  const patience = { timeoutMs: durationMs(timeout), startedAt: monotonicNow(), signal: request.signal };
  const world = await getWorld();
  const payload = toBytes(await encodeReading(request, "request", { maxBytes: maxValueBytes(), of: "a webhook" }));
  const id = requestId(undefined);
  const kind = respondWith === "manual" ? "webhook_ask" : "webhook";
  const [delivery] = await world.deliver([{ id, to: { token }, kind, payload }]);
  if (!delivery || delivery.status === "not_found" || delivery.status === "ended") throw new HookNotFoundError(token);
  if (respondWith !== "manual") return respondWith ?? new Response(null, { status: 202 });
  // A process that waits for an answer executes runs too, like one that waits for a result.
  await currentWorker();
  return decode(await awaitReply(world, { runId: delivery.runId, request: id, token }, patience)) as Response;
}
