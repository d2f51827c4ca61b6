import { encode, referenceOfFunction, type AnyFunction, type FunctionReference } from "../../codec/index.ts";
import { PerdureError } from "../../errors/perdure-error.ts";
import { stepSettings, type StepCallOptions } from "../../step-options.ts";
import { CancelledError } from "../../errors/cancelled-error.ts";
import type { StartOptions } from "../../start-options.ts";
import type { StepHandle } from "../../step-handle.ts";
import { call, giveUp } from "./calls.ts";
import { currentRun, isOver, type RunState } from "./run-state.ts";
import { spawnRun } from "./runs.ts";
import { numberOfSignal } from "./signals.ts";

/** What `withOptions` and `spawn` say of the step that the function they call is about to ask for. */
interface Preparation {
  readonly settings: string;
  op: string | null;
}

/** Somebody only wants to know which step a function asks for. */
interface Inquiry {
  found: FunctionReference | null;
}

let prepared: Preparation | Inquiry | null = null;

/**
 * Asks for a step. The promise settles when an event answers the operation.
 * @param captures what a step nested in a workflow reads of the workflow's variables, by name
 * @param self the instance on which a step is called that is a method and needs it
 */
export function callStep(
  stepId: string,
  args: readonly unknown[],
  captures?: Readonly<Record<string, unknown>>,
  self?: unknown,
): Promise<unknown> {
  const preparation = prepared;
  prepared = null;
  if (preparation && "found" in preparation) {
    preparation.found = { kind: "step", id: stepId, captures: captures ?? null };
    return inquired;
  }
  const run = currentRun();
  try {
    const { op, answer } = call(run, {
      kind: "step",
      name: stepId,
      first: stepId + (preparation?.settings ?? ""),
      second: (asked) =>
        isOver(run, asked, args) && !captures && self === undefined ? "" : inputOf(run, { stepId, args, captures, self }),
    });
    if (preparation) preparation.op = op;
    return answer;
  } catch (error) {
    if (preparation) preparation.op = "";
    return Promise.reject(error);
  }
}

/** The answer to an inquiry, which nobody awaits. */
const inquired = Promise.resolve();

/**
 * The step that a function of compiled code asks for, with its captures as they are now, without asking for it. Null when it asks for none.
 * @param stub does nothing but call `callStep`
 */
export function stepOf(stub: AnyFunction): FunctionReference | null {
  const inquiry: Inquiry = { found: null };
  const outer = prepared;
  prepared = inquiry;
  try {
    // A capture that has no value yet rejects it.
    Promise.resolve(stub()).catch(() => {});
  } finally {
    prepared = outer;
  }
  return inquiry.found;
}

interface StepInput {
  readonly stepId: string;
  readonly args: readonly unknown[];
  readonly captures: Readonly<Record<string, unknown>> | undefined;
  readonly self: unknown;
}

function inputOf(run: RunState, { stepId, args, captures, self }: StepInput): string {
  const limit = { maxBytes: run.terms.maxValueBytes, of: `the step "${stepId}" in run "${run.name}"`, signals: numberOfSignal };
  if (self !== undefined) return encode({ args: [...args], self }, "", limit);
  return captures ? encode({ args: [...args], captures }, "", limit) : encode([...args], "args", limit);
}

/** The step with options of the call, see `withOptions` of `perdure`. */
export function withOptions<A extends unknown[], R>(
  step: (...args: A) => Promise<R>,
  options: StepCallOptions,
): (...args: A) => Promise<R> {
  const settings = settingsText(options, "withOptions()");
  return (...args) => prepare(step, args, settings, "withOptions()").answer;
}

/** Starts a step and returns at once, see `spawn` of `perdure`. */
export function spawn<A extends unknown[], R>(
  step: (...args: A) => Promise<R>,
  args: A,
  options: StepCallOptions | StartOptions = {},
): StepHandle<R> {
  if (typeof step === "function" && referenceOfFunction(step)?.kind === "workflow")
    return spawnRun(step, args, options as StartOptions) as StepHandle<R>;
  const run = currentRun();
  const { op, answer } = prepare(step, args, settingsText(options as StepCallOptions, "spawn()"), "spawn()");
  return {
    id: `${run.id}/${op}`,
    result: answer,
    cancel: (reason?: unknown) => giveUp(run, op, new CancelledError(reason)),
  };
}

function settingsText(options: StepCallOptions, where: string): string {
  const settings = stepSettings(options, `options of ${where}`, false);
  return Object.keys(settings).length === 0 ? "" : `\n${JSON.stringify(settings)}`;
}

/** Calls a function that must ask for a step before it returns. */
function prepare<A extends unknown[], R>(
  step: (...args: A) => Promise<R>,
  args: A,
  settings: string,
  where: string,
): { op: string; answer: Promise<R> } {
  if (typeof step !== "function") throw new PerdureError("INVALID_ARGUMENT", `${where} takes a step, not ${typeof step}.`);
  const preparation: Preparation = { settings, op: null };
  prepared = preparation;
  let answer: Promise<R>;
  try {
    answer = step(...args);
  } finally {
    prepared = null;
  }
  if (preparation.op !== null) return { op: preparation.op, answer };
  throw new PerdureError(
    "INVALID_ARGUMENT",
    `${where} was given the function "${step.name}", which is no step: give it a function with "use step", not one that calls a step later.`,
  );
}
