import type { WebhookAnswer } from "./hook-metadata.ts";

/** What `createWebhook` takes. */
export interface WebhookOptions<Answer extends WebhookAnswer = WebhookAnswer> {
  /**
   * What the sender gets. Left out: 202 at once. A `Response`: that one, at once. `"manual"`: what `request.respondWith()` is given, by the workflow or by a step that it passes the
   * request to; the sender waits meanwhile.
   */
  readonly respondWith?: Answer;
  /**
   * The last part of the address, 1 to 512 characters, unique among living hooks. Without it an unguessable one is made (160 bits). Everybody who knows or guesses it can send
   * requests: with a token of your own, check who did.
   */
  readonly token?: string;
  /** Data for whoever looks the webhook up with `getHookByToken`. */
  readonly metadata?: unknown;
}

/** A request that waits for its answer. */
export interface RequestWithResponse extends Request {
  /**
   * Answers the sender; the first answer counts, also after a crash. In workflow code the sender gets it once the turn is durable; in a step, which may be given the request as an argument, once
   * this promise has resolved and the run has taken note of it.
   * @throws SERIALIZATION_FAILED, VALUE_TOO_LARGE, INVALID_ARGUMENT
   */
  respondWith(response: Response): Promise<void>;
}

/** A hook that is reached over HTTP: await it for the next request, iterate it for all of them. Like a {@link Hook} in everything else. */
export interface Webhook<R extends Request = Request> extends PromiseLike<R>, AsyncIterable<R> {
  readonly token: string;
  /** Its address: `PERDURE_URL` as it was when the run started, and the token. A path without an origin if that was not set. */
  readonly url: string;
  /** Frees the token; later requests get 404. Idempotent. Also done at the end of the run, and by `using`. */
  dispose(): void;
  [Symbol.dispose](): void;
}
