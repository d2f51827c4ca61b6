import { PerdureError } from "./perdure-error.ts";

/**
 * What a durable call throws when its run, or the scope around it, was cancelled, and what a step's `signal` is aborted with. `cause` is the reason that was given.
 */
export class CancelledError extends PerdureError {
  static override readonly className = "CancelledError";

  constructor(reason?: unknown) {
    const text = reason instanceof Error ? `${reason.name}: ${reason.message}` : typeof reason === "string" ? reason : null;
    super("CANCELLED", text === null ? "Cancelled." : `Cancelled: ${text}`, {
      isBrief: true,
      ...(reason !== undefined && { cause: reason }),
    });
  }
}

/** An attempt, or a scope, took longer than it may. */
export class TimeoutError extends PerdureError {
  static override readonly className = "TimeoutError";

  constructor(what: string, ms: number) {
    super("TIMED_OUT", `${what} took longer than ${ms} ms.`);
  }
}
