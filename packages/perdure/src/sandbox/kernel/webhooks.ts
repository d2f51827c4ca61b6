import { answerInWorkflowBy, decode, encodeReading, makeAnswerable } from "../../codec/index.ts";
import { PerdureError } from "../../errors/perdure-error.ts";
import { webhookText, type WebhookAnswer } from "../../hook-metadata.ts";
import type { Webhook, WebhookOptions } from "../../webhook.ts";
import { checkToken, disposeHook, iterate, openQueue, reply, takeThen } from "./hooks.ts";
import { currentRun, currentRunOrNull, limitOf, type ArrivedPayload, type RunState } from "./run-state.ts";

/** Opens a webhook; see `createWebhook` of `perdure`. */
export function createWebhook(options: WebhookOptions = {}): Webhook {
  const run = currentRun();
  const token = checkToken(options.token, "createWebhook");
  const respondWith = checkAnswer(options.respondWith);
  const metadata = webhookText({ respondWith, metadata: options.metadata }, limitOf(run, "a webhook of "));
  const queue = openQueue(run, { name: "webhook", token, metadata, read: readRequest });
  const dispose = (): void => disposeHook(run, queue);
  return {
    token: queue.token,
    url: `${run.terms.sources.addressOf(run.id)}/webhook/${encodeURIComponent(queue.token)}`,
    // eslint-disable-next-line unicorn/no-thenable -- a hook is awaited like a promise
    then: (onFulfilled, onRejected) => takeThen(run, queue, asRequest, [onFulfilled, onRejected]),
    dispose,
    [Symbol.dispose]: dispose,
    [Symbol.asyncIterator]: () => iterate(run, queue, asRequest),
  };
}

function asRequest({ payload, request }: ArrivedPayload, run: RunState): Request {
  const received = payload as Request;
  return request === "" ? received : makeAnswerable(received, { runId: run.id, message: request });
}

/** How requests are answered in workflow code. To be called once per realm. */
export function installAnswers(): void {
  answerInWorkflowBy(({ runId, message }, response) => {
    const run = currentRunOrNull();
    return run && answer(run, runId, message, response);
  });
}

async function answer(run: RunState, runId: string, message: string, response: unknown): Promise<void> {
  if (run.id !== runId) {
    throw new PerdureError(
      "INVALID_ARGUMENT",
      "request.respondWith() answers a request in the run that received it, or in a step of that run.",
    );
  }
  if (!isResponse(response)) throw new PerdureError("INVALID_ARGUMENT", "request.respondWith() takes a Response.");
  const text = encodeReading(response, "response", limitOf(run, "a webhook of "));
  reply(run, message, typeof text === "string" ? text : await text);
}

function checkAnswer(answer: unknown): WebhookAnswer {
  if (answer === undefined || answer === "manual" || isResponse(answer)) return answer;
  throw new PerdureError("INVALID_ARGUMENT", 'createWebhook({ respondWith }) takes a Response or "manual".');
}

function isResponse(value: unknown): value is Response {
  return Object.prototype.toString.call(value) === "[object Response]";
}

function readRequest(text: string): unknown {
  const payload = decode(text);
  if (Object.prototype.toString.call(payload) === "[object Request]") return payload;
  throw new TypeError("It is not a Request.");
}
