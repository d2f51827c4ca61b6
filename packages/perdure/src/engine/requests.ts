/**
 * Payloads whose senders wait for a reply. A request is *open* from its event until the workflow, or a step of it, replies or it turns out that nobody will; then its
 * reply is *kept* for the sender, who may look for it more than once, and removed with a later one. What a replay finds kept is what was.
 */

/** How long a reply is kept at least, by the run's clock, unless there are too many. */
const keepMs = 10 * 60_000;
/** So many are kept at most; the oldest go first. */
const mostKept = 1000;

export interface Requests {
  /** The messages of open requests. */
  readonly open: Set<string>;
  /** When replies were given, by message, the oldest first. */
  readonly kept: Map<string, number>;
  /** To be written with the turn. */
  writes: ReplyWrite[];
}

/** A reply to be shown, or one that is to be kept no longer (null). */
export interface ReplyWrite {
  readonly message: string;
  readonly value: string | null;
}

/** What is written for a request that nobody will reply to; no encoded value begins like it. */
export const refusal = "-";

export function createRequests(): Requests {
  return { open: new Set(), kept: new Map(), writes: [] };
}

/** The first reply to an open request counts; others say nothing. */
export function giveReply(requests: Requests | null, message: string, value: string, now: number): void {
  if (!requests?.open.delete(message)) return;
  requests.kept.set(message, now);
  requests.writes.push({ message, value });
  for (const [old, at] of requests.kept) {
    if (now - at <= keepMs && requests.kept.size <= mostKept) return;
    requests.kept.delete(old);
    requests.writes.push({ message: old, value: null });
  }
}

/** Takes what is to be written. */
export function takeReplies(requests: Requests): ReplyWrite[] {
  const { writes } = requests;
  requests.writes = [];
  return writes;
}
