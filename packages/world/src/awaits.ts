/** The answers to {@link Await}s, the same in every World. */

import type { RunStatus } from "./records.ts";

/** What an answer says first: how the awaited run ended, or that there is none. */
export type AnswerStatus = Exclude<RunStatus, "running"> | "not_found";

/** The `kind` of a message that answers an await. */
export const ANSWER_KIND = "ended";

/** The id of the message that answers an operation's await: the reason why it is answered once. */
export function answerId(operation: string): string {
  return `ended:${operation}`;
}

/** The payload of an answer: the status and a newline, then the output of the run that ended. */
export function answerPayload(status: AnswerStatus, output: Uint8Array | null): Uint8Array {
  const head = new TextEncoder().encode(`${status}\n`);
  const payload = new Uint8Array(head.length + (output?.length ?? 0));
  payload.set(head);
  if (output !== null) payload.set(output, head.length);
  return payload;
}
