import { PerdureError } from "../errors/perdure-error.ts";
import { FatalError, RetryableError, SerializationError } from "../errors/step-errors.ts";

/** Attempts after the first, unless the step's function says otherwise (`charge.maxRetries = 5`). */
export const defaultMaxRetries = 3;

const firstDelayMs = 500;
const longestDelayMs = 30_000;

/** A mistake in the program, which another attempt does not mend. */
function isMistake(error: unknown): boolean {
  return PerdureError.is(error) && error.code === "INVALID_ARGUMENT";
}

/**
 * When the next attempt may start, or null when the step has failed for good: after `maxRetries` retries, a FatalError, or a result that cannot be stored.
 * The delay doubles from 0.5 s to at most 30 s; RetryableError names its own time (if it is one).
 */
export function nextAttemptAt(error: unknown, attempt: number, maxRetries: number, now: number): number | null {
  if (attempt > maxRetries || FatalError.is(error) || SerializationError.is(error)) return null;
  if (isMistake(error)) return null;
  const wanted = RetryableError.is(error) ? new Date(error.retryAfter).getTime() : Number.NaN;
  if (Number.isFinite(wanted)) return wanted;
  return now + Math.min(longestDelayMs, firstDelayMs * 2 ** (attempt - 1));
}
