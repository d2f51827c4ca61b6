import parseDuration from "parse-duration";

import { PerdureError } from "./errors/perdure-error.ts";

/** A length of time: milliseconds, or text such as `"10s"`, `"1h 30m"`, `"7 days"`. */
export type Duration = number | string;

const shape = /^(?:\s*\d+(?:\.\d+)?\s*[a-zA-Zµ]+\s*,?)+$/;

/** Milliseconds of a duration. @throws INVALID_ARGUMENT */
export function durationMs(duration: Duration): number {
  const ms = typeof duration === "number" ? duration : shape.test(duration) ? parseDuration(duration) : null;
  if (ms === null || !Number.isFinite(ms) || ms < 0) {
    throw new PerdureError(
      "INVALID_ARGUMENT",
      `${JSON.stringify(duration)} is not a duration: give milliseconds (0 or more) or text such as "10s", "1h 30m", "7 days".`,
    );
  }
  return ms;
}
