/**
 * Signals as arguments of steps. One that is not aborted yet gets a number when it is first written; when it is aborted, a `signal` ask says so, and the attempts whose
 * arguments hold it abort theirs.
 */
import { encodeThrown } from "../../codec/index.ts";
import { currentRun, limitOf } from "./run-state.ts";

/** The number of a signal in the current run. */
export function numberOfSignal(signal: AbortSignal): number {
  const run = currentRun();
  const signals = (run.extras.signals ??= { numbers: new WeakMap(), count: 0 });
  const known = signals.numbers.get(signal);
  if (known !== undefined) return known;
  const number = ++signals.count;
  signals.numbers.set(signal, number);
  const tell = (): void => {
    if (!run.ended) run.out.push("signal", String(number), encodeThrown(signal.reason, limitOf(run, "a signal of ")), "");
  };
  signal.addEventListener("abort", tell, { once: true });
  return number;
}
