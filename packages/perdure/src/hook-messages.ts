/**
 * The ids of messages to hooks. A message is known by its id, once per run, so that the ids of users and those of the runtime (`cancel`) must never meet: each kind has its prefix.
 */
import { createHash } from "node:crypto";
import { v4 as uuid } from "uuid";

/** The id of a payload. A `key` of the sender's, at most 500 characters, makes it the same each time. */
export function payloadId(key: string | undefined): string {
  return key === undefined ? uuid() : `key:${key}`;
}

/** The id of a payload whose sender waits for the reply; it is short enough to be a part of other names. */
export function requestId(key: string | undefined): string {
  return `ask:${key === undefined ? uuid() : createHash("sha256").update(key).digest("base64url")}`;
}

/** The id of the message by which a step replies: the first one counts, a step that is tried again changes nothing. */
export function replyId(request: string): string {
  return `reply:${request}`;
}

export function requestOfReply(id: string): string {
  return id.slice("reply:".length);
}
