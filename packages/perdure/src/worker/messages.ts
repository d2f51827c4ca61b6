import type { ReceivedMessage } from "@perdure/world";

import { requestOfReply } from "../hook-messages.ts";
import { toBytes, toText } from "../run-input.ts";
import type { ReadyEvent } from "./ready-event.ts";

/** What a message means to the run; null: nothing that this version of the runtime knows. */
export function eventOf({ kind, operation, id, payload }: ReceivedMessage): ReadyEvent | null {
  const text = toText(payload);
  switch (kind) {
    case "cancel":
      return { event: { type: "cancel_requested", message: id }, payload: text };
    case "wake":
      return { event: { type: "wake_requested", message: id }, payload: text };
    case "reply":
      return { event: { type: "reply_given", message: id, request: requestOfReply(id) }, payload: text };
    default:
      return operation === null ? null : operationEvent(kind, operation, id, text);
  }
}

function operationEvent(kind: string, op: string, message: string, text: string): ReadyEvent | null {
  switch (kind) {
    case "hook":
      return { event: { type: "hook_received", op, message }, payload: text };
    case "ask":
      return { event: { type: "hook_received", op, message, asked: true }, payload: text };
    case "webhook":
      return { event: { type: "hook_received", op: publicOnly(op), message }, payload: text };
    case "webhook_ask":
      return { event: { type: "hook_received", op: publicOnly(op), message, asked: true }, payload: text };
    case "done": {
      const end = text.indexOf("\n");
      return { event: { type: "step_completed", op, attempt: Number(text.slice(0, end)), message }, payload: text.slice(end + 1) };
    }
    case "ended": {
      const end = text.indexOf("\n");
      const type = endings[text.slice(0, end)];
      return type ? { event: { type, op, message }, payload: text.slice(end + 1) } : null;
    }
    default:
      return null;
  }
}

/** The result of a step whose row was taken back, so that its code is told of it anew: no attempt is to be made. */
export function doneMessage(
  { op, attempt }: { readonly op: string; readonly attempt: number },
  result: string,
): Omit<ReceivedMessage, "runId"> {
  return { id: `done:${op}`, kind: "done", operation: op, payload: toBytes(`${attempt}\n${result}`) };
}

/** The steps for whose results no attempt is to be made. */
export function doneIn(messages: readonly ReceivedMessage[]): ReadonlySet<string> {
  return new Set(messages.flatMap(({ kind, operation }) => (kind === "done" && operation !== null ? [operation] : [])));
}

/** What came over HTTP is for webhooks alone, also when their token is a private hook's by now: for that it is a payload that came too late. */
function publicOnly(op: string): string {
  return op.startsWith("webhook#") ? op : "none";
}

/** How a World says that another run has ended. */
const endings: Readonly<Record<string, "run_completed" | "run_failed" | "run_cancelled" | "run_missing">> = {
  completed: "run_completed",
  failed: "run_failed",
  cancelled: "run_cancelled",
  not_found: "run_missing",
};
