import type { World } from "@perdure/world";

import { encodeReading, type AnswerAddress, type EncodeOptions } from "./codec/index.ts";
import { PerdureError } from "./errors/perdure-error.ts";
import { replyId } from "./hook-messages.ts";
import { toBytes } from "./run-input.ts";

/** A reply that is on its way to its run, as a message. */
export interface SentReply {
  readonly id: string;
  readonly text: string;
}

/**
 * Answers a request from outside of workflow code: by a message to the run that received it, which publishes the answer. When the promise resolves the answer is durable, if it is the first.
 * @returns null if the run had an answer before, or is over
 * @throws INVALID_ARGUMENT, SERIALIZATION_FAILED, VALUE_TOO_LARGE
 */
export async function sendReply(
  world: World,
  { runId, message }: AnswerAddress,
  response: unknown,
  limit: EncodeOptions,
): Promise<SentReply | null> {
  if (Object.prototype.toString.call(response) !== "[object Response]") {
    throw new PerdureError("INVALID_ARGUMENT", "request.respondWith() takes a Response.");
  }
  const text = await encodeReading(response, "response", limit);
  const id = replyId(message);
  const [delivery] = await world.deliver([{ id, to: { runId }, kind: "reply", payload: toBytes(text) }]);
  return delivery?.status === "delivered" ? { id, text } : null;
}
