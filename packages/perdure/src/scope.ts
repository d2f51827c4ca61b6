import type { Duration } from "./duration.ts";

/** A scope, for the code in it. */
export interface ScopeHandle {
  /** Aborted when the scope, or one around it, is cancelled. */
  readonly signal: AbortSignal;
  /** Ends the scope: pending calls in it reject with a CancelledError. */
  cancel(reason?: unknown): void;
}

/** What ends a scope before its code does. */
export interface ScopeOptions {
  /** After this long the scope is cancelled, and `scope()` rejects with a TimeoutError. */
  readonly timeout?: Duration;
  /** When it is aborted, the scope is cancelled with its reason. */
  readonly signal?: AbortSignal;
}
