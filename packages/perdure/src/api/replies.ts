import type { World } from "@perdure/world";

import { createBell } from "../bell.ts";
import { refusal } from "../engine/requests.ts";
import { TimeoutError } from "../errors/cancelled-error.ts";
import { HookNoReplyError } from "../errors/hook-errors.ts";
import { monotonicNow } from "../host-timers.ts";
import { replyKey } from "../published.ts";
import { toText } from "../run-input.ts";

/** A payload that was delivered and is to be replied to. */
export interface Request {
  /** The World's own id. */
  readonly runId: string;
  /** The message's id. */
  readonly request: string;
  readonly token: string;
}

export interface Patience {
  readonly timeoutMs: number;
  /** By `monotonicNow()`. */
  readonly startedAt: number;
  readonly signal: AbortSignal | undefined;
}

const firstLookMs = 25;
const longestLookMs = 1000;

/**
 * Waits for the reply to a message and returns it as the codec wrote it. Hints say when to look; looks that become rarer, down to one a second, make up for lost ones.
 * @throws HOOK_NO_REPLY, TIMED_OUT, the signal's reason
 */
export async function awaitReply(
  world: World,
  { runId, request, token }: Request,
  { timeoutMs, startedAt, signal }: Patience,
): Promise<string> {
  const bell = createBell();
  const unwatch = world.watch((hint) => {
    if (hint.kind !== "due" && hint.runId === runId) bell.ring();
  });
  signal?.addEventListener("abort", bell.ring);
  try {
    for (let pauseMs = firstLookMs; ; pauseMs = Math.min(longestLookMs, pauseMs * 1.5)) {
      signal?.throwIfAborted();
      // In this order: a run that has ended has published all that it ever will.
      const [run] = await world.query.runsById([runId]);
      const [entry] = await world.query.state(runId, replyKey(request));
      const reply = entry && toText(entry.value);
      if (reply !== undefined && reply !== refusal) return reply;
      if (reply === refusal || !run || run.status !== "running") throw new HookNoReplyError(run?.key ?? runId, token);
      const leftMs = startedAt + timeoutMs - monotonicNow();
      if (leftMs <= 0) throw new TimeoutError(`The reply of the hook with the token "${token}"`, timeoutMs);
      await bell.wait(Math.min(pauseMs, leftMs));
    }
  } finally {
    unwatch();
    signal?.removeEventListener("abort", bell.ring);
  }
}
