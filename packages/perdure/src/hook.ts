import type { Duration } from "./duration.ts";

/** What `createHook` takes. */
export interface HookOptions {
  /**
   * The address of the hook, 1 to 512 characters, unique among living hooks. Without it an unguessable one is made (128 bits): give that to
   * whoever may resume the workflow. A token of your own must be hard to guess if strangers can reach `resumeHook`.
   */
  readonly token?: string;
  /** Data for whoever looks the hook up with `getHookByToken`. */
  readonly metadata?: unknown;
}

/** How long to wait for a reply, and how to ask once. */
export interface AskOptions {
  /** How long to wait for the reply. Default: 30 seconds. */
  readonly timeout?: Duration;
  /**
   * Makes the question idempotent: asked again with the same key of the same run it is not delivered again, and gets the reply that was given, for as long as that is kept. 1 to 500
   * characters.
   */
  readonly key?: string;
  /** Ends the waiting: the promise rejects with the signal's reason. The question stays delivered. */
  readonly signal?: AbortSignal;
}

/**
 * A place in a workflow where payloads arrive from outside. Await it for the next payload; iterate it for all of them, in order. Payloads that
 * arrive while nobody waits are kept.
 *
 * Whoever awaits it gets HOOK_CONFLICT if another living hook has the token, HOOK_DISPOSED once it is disposed of, and HOOK_PAYLOAD_INVALID in the place of a payload that cannot be
 * read in the workflow. An iteration ends when the hook is disposed of, also while it waits.
 */
export interface Hook<T> extends PromiseLike<T>, AsyncIterable<T> {
  readonly token: string;
  /** The next payload, with the means to reply to whoever sent it with `askHook()`. Awaited otherwise, its sender is told that nobody replies. */
  request(): Promise<HookRequest<T>>;
  /** All payloads in order, like the iteration of the hook itself, each with the means to reply. */
  requests(): AsyncIterableIterator<HookRequest<T>>;
  /** Frees the token; later payloads are refused with HOOK_NOT_FOUND, those that arrived and were not awaited are dropped. Idempotent. Also done at the end of the run, and by `using`. */
  dispose(): void;
  [Symbol.dispose](): void;
}

/** A payload whose sender may be waiting. */
export interface HookRequest<T> {
  readonly payload: T;
  /**
   * Replies. The sender gets the value once the turn is durable; the first reply counts, also after a crash. Does nothing when the payload was sent with
   * `resumeHook()`. It can be called at any time until the run ends, and after the hook was disposed of.
   * @throws SERIALIZATION_FAILED, VALUE_TOO_LARGE
   */
  reply(value?: unknown): void;
}

/** The part of Standard Schema, version 1 (https://standardschema.dev), that hooks use: what zod, valibot, arktype and others have in common. */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown, options?: undefined) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

/** What a schema says of a value. A segment of a path is a key, or an object that has it. */
export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | {
      readonly issues: readonly {
        readonly message: string;
        readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
      }[];
    };

/** A typed hook: one definition for the workflow that waits and for the code that resumes it. */
export interface HookDefinition<Input, Output = Input> {
  /** Inside a workflow: opens a hook. Its payloads are what the schema made of those that were sent. */
  create(options?: HookOptions): Hook<Output>;
  /** Outside: validates the payload (with the schema, if there is one) and delivers what the schema made of it. @throws HOOK_NOT_FOUND, HOOK_PAYLOAD_INVALID, SERIALIZATION_FAILED */
  resume(token: string, payload: Input, options?: { readonly key?: string }): Promise<{ readonly runId: string }>;
  /** The same as `resume()`, and waits for the reply; see `askHook`. @throws what `resume()` throws, HOOK_NO_REPLY, TIMED_OUT */
  ask<Reply = unknown>(token: string, payload: Input, options?: AskOptions): Promise<Reply>;
}
