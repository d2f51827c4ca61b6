import { deliverRequest, findWebhook } from "../api/webhooks.ts";
import { PerdureError } from "../errors/perdure-error.ts";
import { problem } from "./answers.ts";
import { readLimited } from "./limited-body.ts";
import type { ResolvedOptions } from "./options.ts";

/**
 * Delivers a request to the webhook with the token, whatever its method. Only HEAD, which says whether there is one, and OPTIONS, which browsers send before the request that is meant, deliver
 * nothing. Private hooks do not exist here.
 */
export async function receiveWebhook(request: Request, token: string, options: ResolvedOptions): Promise<Response> {
  if (request.method === "OPTIONS")
    return new Response(null, { status: 204, headers: { allow: "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS" } });
  const webhook = await findWebhook(token);
  if (!webhook) return problem(404, "HOOK_NOT_FOUND", "There is no such webhook.");
  if (request.method === "HEAD") return new Response(null, { headers: { "cache-control": "no-store" } });
  try {
    const body = await readLimited(request, options.maxBodyBytes);
    if (!body) return problem(413, "BODY_TOO_LARGE", `The body has more than ${options.maxBodyBytes} bytes.`);
    const { method, headers, signal } = request;
    const copy = new Request(request.url, { method, headers, signal, ...(request.body && { body }) });
    return await deliverRequest(webhook, copy, { timeout: options.replyTimeout });
  } catch (error) {
    return answerTo(error, request);
  }
}

function answerTo(error: unknown, { signal }: Request): Response {
  if (signal.aborted) return problem(499, "CLIENT_CLOSED", "The client went away.");
  switch (PerdureError.is(error) ? error.code : null) {
    case "HOOK_NOT_FOUND": // gone since it was looked up
    case "HOOK_NO_REPLY":
      return problem(410, "HOOK_NO_REPLY", "The webhook is gone; it did not answer.");
    case "TIMED_OUT":
      return problem(504, "TIMED_OUT", "The request was received; the answer takes longer than the server waits.");
    case "VALUE_TOO_LARGE":
      return problem(413, "BODY_TOO_LARGE", "The request is larger than what can be stored.");
    default:
      throw error;
  }
}
