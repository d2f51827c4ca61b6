import { decode, encode } from "../codec/index.ts";
import { maxValueBytes } from "../config.ts";
import { durationMs } from "../duration.ts";
import { HookNotFoundError } from "../errors/hook-errors.ts";
import { monotonicNow } from "../host-timers.ts";
import { PerdureError } from "../errors/perdure-error.ts";
import type { AskOptions } from "../hook.ts";
import { payloadId, requestId } from "../hook-messages.ts";
import { readHookMetadata } from "../hook-metadata.ts";
import { toBytes, toText } from "../run-input.ts";
import { currentWorker, getWorld } from "../runtime.ts";
import { createBatcher } from "../batcher.ts";
import { awaitReply } from "./replies.ts";

export interface ResumeOptions {
  /**
   * Makes the delivery idempotent: a second one with the same key to the same run is ignored. 1 to 500 characters. Once the hook is disposed of, or its run
   * has ended, a repeated delivery gets HOOK_NOT_FOUND like any other.
   */
  readonly key?: string;
}

/** A living hook, as seen from outside. */
export interface HookInfo {
  readonly runId: string;
  readonly token: string;
  /** What `createHook({ metadata })` was given; undefined without it. */
  readonly metadata: unknown;
  /** Whether it is reached over HTTP: made by `createWebhook()`. */
  readonly isWebhook: boolean;
}

/**
 * Delivers a payload to the workflow that holds the hook. When the promise resolves the payload is durable and will be seen by the workflow, once.
 * @throws HOOK_NOT_FOUND, SERIALIZATION_FAILED and VALUE_TOO_LARGE (with the path in `payload`; nothing is written)
 */
export async function resumeHook(token: string, payload?: unknown, options: ResumeOptions = {}): Promise<{ readonly runId: string }> {
  checkText("token", token);
  if (options.key !== undefined) checkText("options.key", options.key, 500);
  const bytes = toBytes(encode(payload, "payload", { maxBytes: maxValueBytes(), of: `the hook "${token}"` }));
  const world = await getWorld();
  const [delivery] = await world.deliver([{ id: payloadId(options.key), to: { token }, kind: "hook", payload: bytes }]);
  if (!delivery || delivery.status === "not_found" || delivery.status === "ended") throw new HookNotFoundError(token);
  // The payload is delivered: a World that is away just now must not make the caller send it again. The World's own id leads to the run too.
  const runId = await publicId(delivery.runId).catch(() => delivery.runId);
  return { runId };
}

/**
 * Delivers a payload like {@link resumeHook} and waits for what the workflow replies to it (`hook.request()`, `hook.requests()`). The reply is durable before it is seen. When the
 * time is up the payload stays delivered, and the reply can be had by asking again with the same key.
 * @throws HOOK_NOT_FOUND, HOOK_NO_REPLY (nobody will reply: the run has ended, say), TIMED_OUT, SERIALIZATION_FAILED, INVALID_ARGUMENT, or the reason of `signal`
 * @example
 * const quote = await askHook<Quote>(`quotes-${customer}`, { item: 7 }, { timeout: "10s" });
 */
export async function askHook<Reply = unknown>(
  token: string,
  payload?: unknown,
  { timeout = "30s", key, signal }: AskOptions = {},
): Promise<Reply> {
  checkText("token", token);
  if (key !== undefined) checkText("options.key", key, 500);
  const until = { timeoutMs: durationMs(timeout), startedAt: monotonicNow(), signal };
  const bytes = toBytes(encode(payload, "payload", { maxBytes: maxValueBytes(), of: `the hook "${token}"` }));
  signal?.throwIfAborted();
  const world = await getWorld();
  // A process that waits for a reply executes runs too, like one that waits for a result.
  await currentWorker();
  const id = requestId(key);
  const [delivery] = await world.deliver([{ id, to: { token }, kind: "ask", payload: bytes }]);
  if (!delivery || delivery.status === "not_found") throw new HookNotFoundError(token);
  const reply = await awaitReply(world, { runId: delivery.runId, request: id, token }, until);
  return decode(reply) as Reply;
}

/** The living hook with this token. @throws HOOK_NOT_FOUND */
export async function getHookByToken(token: string): Promise<HookInfo> {
  checkText("token", token);
  const world = await getWorld();
  const hook = await world.query.hook(token);
  if (!hook) throw new HookNotFoundError(token);
  const { metadata, webhook } = readHookMetadata(toText(hook.metadata ?? new Uint8Array()));
  return { runId: await publicId(hook.runId), token, metadata, isWebhook: webhook !== null };
}

/** Hooks are resumed and looked for in bursts: one question for those of a moment. */
const publicIds = createBatcher<string, string>(
  async (runIds) => {
    const world = await getWorld();
    const runs = new Map((await world.query.runsById([...new Set(runIds)])).map((run) => [run.id, run]));
    return runIds.map((runId) => runs.get(runId)?.key ?? runId);
  },
  200,
  queueMicrotask,
);

/** What people call a run: its key, or its id. */
function publicId(runId: string): Promise<string> {
  return publicIds.submit(runId);
}

function checkText(name: string, value: unknown, longest = 512): void {
  if (typeof value === "string" && value.length > 0 && value.length <= longest) return;
  throw new PerdureError("INVALID_ARGUMENT", `\`${name}\` is ${JSON.stringify(value)}; it must be a string of 1 to ${longest} characters.`);
}
