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

/**
 * A place in a workflow where payloads arrive from outside. Await it for the next payload; iterate it for all of them, in order. Payloads that
 * arrive while nobody waits are kept.
 */
export interface Hook<T> extends PromiseLike<T>, AsyncIterable<T> {
  readonly token: string;
  /** Frees the token; later payloads are refused with HOOK_NOT_FOUND, those that arrived and were not awaited are dropped. Idempotent. Also done at the end of the run, and by `using`. */
  dispose(): void;
  [Symbol.dispose](): void;
}

/** The part of Standard Schema (https://standardschema.dev) that hooks use. */
export interface StandardSchema<T> {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (
      value: unknown,
    ) =>
      | { readonly value: T; readonly issues?: undefined }
      | { readonly issues: readonly { readonly message: string; readonly path?: readonly unknown[] | undefined }[] }
      | Promise<
          | { readonly value: T; readonly issues?: undefined }
          | { readonly issues: readonly { readonly message: string; readonly path?: readonly unknown[] | undefined }[] }
        >;
    readonly types?: { readonly input: unknown; readonly output: T } | undefined;
  };
}

/** A typed hook: one definition for the workflow that waits and for the code that resumes it. */
export interface HookDefinition<T> {
  /** Inside a workflow: opens a hook. */
  create(options?: HookOptions): Hook<T>;
  /** Outside: validates the payload (with the schema, if there is one) and delivers it. @throws HOOK_NOT_FOUND, HOOK_PAYLOAD_INVALID */
  resume(token: string, payload: T, options?: { readonly key?: string }): Promise<{ readonly runId: string }>;
}
