import { durationMs } from "../../duration.ts";
import { PerdureError } from "../../errors/perdure-error.ts";
import { currentRun, nextOperation } from "./run-state.ts";
/** A durable wait: for a while, or until a time. A time in the past is due at once. */
export function sleep(until) {
  const run = currentRun();
  const dueAt = dueTime(until, run.now);
  const op = nextOperation(run, "sleep");
  run.out.push("wait", op, String(dueAt), "");
  return new Promise((resolve, reject) => run.waits.set(op, { resolve: () => resolve(), reject }));
}
/** The last time that a Date can hold. */
const lastTime = 8_640_000_000_000_000;
/** Whole milliseconds, never earlier than what was asked for. */
function dueTime(until, now) {
  const at = until instanceof Date ? until.getTime() : Math.ceil(now + durationMs(until));
  if (Number.isNaN(at)) throw new PerdureError("INVALID_ARGUMENT", "sleep() was given an invalid Date.");
  if (at > lastTime) throw new PerdureError("INVALID_ARGUMENT", "sleep() was asked to wait beyond the last time that a Date can hold.");
  return at;
}
