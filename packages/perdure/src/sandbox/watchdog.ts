/**
 * Ends JavaScript that does not end by itself, in loops, in microtasks, in regular expressions.
 *
 * V8 can end what runs; Node has two ways to ask for it. `timeout` of a `vm.Script` starts and joins a thread for every evaluation: 100 to 600 µs, which a
 * lone run would pay with every step. `Runtime.evaluate` of an inspector's session takes a timeout, too, that V8 keeps by a timer: 20 µs. The first is for where the second is not:
 * Node without an inspector, under its permission model, or with a debugger listening, which would be shown a script for every tick.
 *
 * Whatever is ended, V8 unwinds everything up to the evaluation, the host's frames included, without running their `catch` and `finally`.
 */
import { createRequire } from "node:module";
import type { Session } from "node:inspector";
import vm from "node:vm";

export interface Watchdog {
  /** Runs `work`. False: it was ended because it took longer than `ms`. What `work` throws is thrown. Not to be nested. */
  run(work: () => void, ms: number): boolean;
}

/** Where an evaluation finds what it is to run. Modules may see other globals than a script does (a test's, for instance); `process` is the same. */
const property = "__perdureGuarded";
const text = `process.${property}()`;

/** How an evaluation is asked for; it may throw, or tell of an error, when it was ended. */
type Evaluate = (ms: number) => void;

export function createWatchdog(): Watchdog {
  const byTimer = inspectorEvaluation();
  const byThread = threadEvaluation();
  return {
    run: (work, ms) => guard(byTimer?.isFree() ? byTimer.evaluate : byThread, work, ms),
  };
}

/** How often an evaluation is asked for that does not begin. Where processors are scarce, its time may be over before it does. */
const attempts = 100;

function guard(evaluate: Evaluate, work: () => void, ms: number): boolean {
  let state: "waiting" | "begun" | "returned" | "threw" = "waiting";
  let thrown: unknown;
  const guarded = (): void => {
    state = "begun";
    try {
      work();
      state = "returned";
    } catch (error) {
      thrown = error;
      state = "threw";
    }
  };
  Object.defineProperty(process, property, { value: guarded, configurable: true });
  let failure: unknown;
  for (let attempt = 0; attempt < attempts && state === "waiting"; attempt++) {
    try {
      evaluate(ms);
    } catch (error) {
      failure = error;
    }
  }
  const end = state as "waiting" | "begun" | "returned" | "threw";
  if (end === "waiting") throw failure ?? new Error("The watchdog's evaluation did not begin.");
  if (end === "threw") throw thrown;
  return end === "returned";
}

function threadEvaluation(): Evaluate {
  const script = new vm.Script(text, { filename: "perdure:tick" });
  return (timeout) => void script.runInThisContext({ timeout });
}

interface InspectorEvaluation {
  readonly evaluate: Evaluate;
  /** False while a debugger listens. */
  isFree(): boolean;
}

let known: InspectorEvaluation | null | undefined;

/** By the one session of the process. Null where it does not work; that is tried out, once. */
function inspectorEvaluation(): InspectorEvaluation | null {
  if (known !== undefined) return known;
  known = null;
  try {
    const inspector = createRequire(import.meta.url)("node:inspector") as typeof import("node:inspector");
    const session = new inspector.Session();
    session.connect();
    const evaluation = { evaluate: evaluationIn(session), isFree: () => inspector.url() === undefined };
    if (ends(evaluation.evaluate)) known = evaluation;
    else session.disconnect();
  } catch {
    // There is no inspector, or it is forbidden.
  }
  return known;
}

/** Answers come within the call. An error is one of the evaluation, which is told by its not having come to its end. */
function evaluationIn(session: Session): Evaluate {
  const ignore = (): void => {};
  return (timeout) => session.post("Runtime.evaluate", { expression: text, timeout, silent: true }, ignore);
}

/**
 * Whether work that goes on is ended: after a few milliseconds as a rule. If it is not, it ends itself, after as long as a busy machine may take, and
 * as much of it as this process must have had: it may have been stopped.
 */
function ends(evaluate: Evaluate): boolean {
  const patienceMs = 2000;
  const end = performance.now() + patienceMs;
  const before = process.cpuUsage();
  const usedMs = (): number => {
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  };
  return !guard(
    evaluate,
    () => {
      while (performance.now() < end || usedMs() < patienceMs);
    },
    1,
  );
}
