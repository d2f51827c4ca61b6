import { durationMs, type Duration } from "../../duration.ts";
import { PerdureError } from "../../errors/perdure-error.ts";
import { currentRun, nextOperation } from "./run-state.ts";

/** A durable wait: for a while, or until a time. A time in the past is due at once. */
export function sleep(until: Duration | Date): Promise<void> {
  const run = currentRun();
  const dueAt = dueTime(until, run.now);
  const op = nextOperation(run, "sleep");
  run.out.push("wait", op, String(dueAt), "");
  return new Promise((resolve, reject) => run.waits.set(op, { resolve: () => resolve(), reject }));
}

function dueTime(until: Duration | Date, now: number): number {
  if (!(until instanceof Date)) return now + durationMs(until);
  const at = until.getTime();
  if (Number.isNaN(at)) throw new PerdureError("INVALID_ARGUMENT", "sleep() was given an invalid Date.");
  return at;
}
