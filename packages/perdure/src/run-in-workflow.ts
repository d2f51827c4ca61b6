/** A handle of another run in workflow code. What else a handle has (`status`, `read()` …) is for steps: it would differ on every replay. */
export interface RunInWorkflow<R> {
  /** The id that `start()` was given, else the one that it made. */
  readonly runId: string;
  /** Waits for the end. @throws RUN_FAILED (its `cause` is what the other workflow threw), RUN_CANCELLED, RUN_NOT_FOUND, CANCELLED */
  readonly returnValue: Promise<R>;
  /** Asks the run to end; `returnValue` then tells how it did. */
  cancel(options?: { readonly reason?: unknown }): Promise<"requested" | "ended">;
}
