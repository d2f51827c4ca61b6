/**
 * Code that runs share: modules of packages that keep no state between calls, evaluated once per realm. They see the current run's time, chance and
 * globals, as all code does.
 *
 * While such modules are evaluated a stand-in is the current run: its clock stands at 0 and its chance is seeded by the code, so that they come out the same in
 * every process, whichever run was the first to need them.
 */
import { PerdureError } from "../../errors/perdure-error.ts";
import { createSharedGlobal } from "./run-globals.ts";
import { defaultMaxBytes } from "../../codec/size.ts";
import { RunState } from "./run-state.ts";
import { workflowModule, type WorkflowModule } from "./workflow-module.ts";

/** A shared part as it is compiled; both of its globals are the same object. */
export type SharedFactory = (global: object, self: object) => (perdure: WorkflowModule) => Readonly<Record<string, unknown>>;

export interface SharedPart {
  readonly hash: string;
  readonly factory: SharedFactory;
  /** What runs take from it; null until it has been evaluated. */
  values: Readonly<Record<string, unknown>> | null;
  /** What the last attempt to evaluate it threw. */
  failure: unknown;
}

/** How many parts stay evaluated: a large library takes about 1 MB. Runs that have begun keep what they have. */
const warmParts = 32;

/** Those that are evaluated, the one that was needed last at the end. */
const warm = new Set<SharedPart>();

/** A run begins that uses the part. */
export function keepWarm(part: SharedPart): void {
  warm.delete(part);
  warm.add(part);
  if (warm.size <= warmParts) return;
  const [oldest] = warm;
  if (oldest) forget(oldest);
}

/** Lets it be evaluated again for the runs to come. */
export function forget(part: SharedPart): void {
  warm.delete(part);
  part.values = null;
}

/** What is the current run while a part is evaluated. */
export function standIn({ hash }: SharedPart): RunState {
  const sources = { addressOf: () => "", tokenFor: () => "", runIdFor: () => "" };
  return new RunState({ id: "", seed: hash.slice(0, 32) }, { workflowId: "", maxValueBytes: defaultMaxBytes, sources });
}

/** What a run that begins takes from its part. @throws what its modules threw, and NOT_AVAILABLE_IN_WORKFLOW */
export function valuesOf(part: SharedPart): SharedPart["values"] {
  if (!part.values) throw part.failure;
  return part.values;
}

/** Evaluates a part, in an evaluation of its own. A failure is the run's that begins, and the next run tries again. */
export function evaluateShared(part: SharedPart, state: RunState): void {
  try {
    part.failure = null;
    part.values = evaluate(part, state);
  } catch (error) {
    part.failure = error;
  }
}

function evaluate(part: SharedPart, state: RunState): NonNullable<SharedPart["values"]> {
  const global = createSharedGlobal();
  state.global = global;
  const values = part.factory(global, global)(workflowModule);
  for (let index = 0; index < state.out.length; index += 4) {
    if (state.out[index] === "log") continue;
    throw new PerdureError(
      "NOT_AVAILABLE_IN_WORKFLOW",
      "A module of a shared package asked for a step, a timer or a hook while it was evaluated: no run is there then. Take the package off the list `shared`.",
    );
  }
  closeValues(values);
  return values;
}

/**
 * Functions, classes and namespaces of modules take no new properties from runs. Objects stay as they are: libraries fill their prototypes and caches when they are
 * first used.
 */
function closeValues(values: Readonly<Record<string, unknown>>): void {
  for (const value of Object.values(values)) {
    for (const member of isNamespace(value) ? Object.values(value) : []) close(member);
    close(value);
  }
  Object.freeze(values);
}

function close(value: unknown): void {
  if (typeof value === "function" || isNamespace(value)) Object.freeze(value);
}

/** As the compiler's bundler makes it: an object of nothing but getters. */
function isNamespace(value: unknown): value is object {
  if (typeof value !== "object" || value === null) return false;
  const properties = Object.values(Object.getOwnPropertyDescriptors(value));
  return properties.length > 0 && properties.every(({ get, set }) => get !== undefined && set === undefined);
}
