/**
 * What compiled code imports where workflows run from the process's own module graph (Vitest); see docs/decisions/0006-vitest.md. Not for use by hand.
 * @internal
 */
import { createClassRegistry, findClassesBy, registerClassIn } from "../../codec/index.ts";
import { PerdureError } from "../../errors/perdure-error.ts";
import { setWorkflowScope, substituteStep } from "../../in-place.ts";
import { findStep, type RegisteredStep, type StepFunction, type WorkflowInPlace } from "../../registry.ts";
import { installFunctions } from "../kernel/functions.ts";
import { callStep } from "../kernel/steps.ts";
import { installStreams } from "../kernel/streams.ts";
import { installAnswers } from "../kernel/webhooks.ts";
import { workflowModule } from "../kernel/workflow-module.ts";
import type { WorkflowCall } from "../realm.ts";
import { createModuleGraphRealm } from "./realm.ts";
import { isInWorkflow } from "./scope.ts";
import { positionInPlace } from "./stack-positions.ts";

export { callStep } from "../kernel/steps.ts";

installFunctions();
const classes = createClassRegistry();
findClassesBy(() => (isInWorkflow() ? classes : null));
installStreams();
installAnswers();
setWorkflowScope(() => (isInWorkflow() ? workflowModule : undefined));

/** Makes instances of a class storable that workflow code has to itself: the module of its workflow exists a second time on the host. */
export function registerClass<C extends object>(id: string, storedClass: C): C {
  return registerClassIn(classes, id, storedClass);
}

/** What runs of such workflows have for a version: their code is whatever the test made of it. */
const version = "vitest";

/**
 * The code of a workflow in place.
 * @param load imports its function; when that fails, the run does, with the same error
 */
export function inPlace(load: () => Promise<WorkflowCall>): WorkflowInPlace {
  const loadOrFail = (): Promise<WorkflowCall> =>
    load().catch((error: unknown) => () => {
      throw error;
    });
  return { version, load: loadOrFail, createRealm: createModuleGraphRealm, positionOf: positionInPlace };
}

/** Where a module exports a step: its file, the name of the export, and how to read it, which gives the mock if there is one. */
export interface StepExport {
  readonly file: string;
  readonly name: string;
  readonly read: () => unknown;
  /** A member of an export: without a mock of the whole, or in one that leaves it out, the step is its own implementation. */
  readonly isMember?: boolean;
}

interface Exports {
  /** The registration that they belong to; a module that is evaluated again begins anew. */
  readonly of: RegisteredStep | undefined;
  readonly byPlace: Map<string, StepExport>;
}

const exportsOfSteps = new Map<string, Exports>();
/** The functions that {@link stepExport} made. */
const calls = new WeakSet<object>();

/**
 * Stands for an exported step in modules that import it: in workflow code the call goes through history, elsewhere it is a plain one. Attempts of the step call
 * what its module exports at that time, so that a mock of it counts.
 */
export function stepExport(id: string, place: StepExport): StepFunction {
  addPlace(id, place);
  const call = (...args: unknown[]): unknown => (isInWorkflow() ? callStep(id, args) : readStep(id, place)(...(args as never[])));
  const proxy = new Proxy(call, {
    get: (_, property) => Reflect.get(readStep(id, place), property) as unknown,
    set: (_, property, value) => Reflect.set(readStep(id, place), property, value),
    has: (_, property) => Reflect.has(readStep(id, place), property),
  });
  calls.add(proxy);
  return proxy as StepFunction;
}

/** The same for a step that is a member of an exported object or class: attempts call what stands there. */
export function stepMember(id: string, place: StepExport): void {
  addPlace(id, { ...place, isMember: true });
}

function addPlace(id: string, place: StepExport): void {
  const of = findStep(id);
  let known = exportsOfSteps.get(id);
  if (!known || known.of !== of) exportsOfSteps.set(id, (known = { of, byPlace: new Map() }));
  known.byPlace.set(`${place.file}#${place.name}`, place);
  substituteStep({
    id,
    name: of?.name ?? place.name,
    isClosure: false,
    get target() {
      return implementationOf(id);
    },
  });
}

/** The function that a test put in the place of a step, wherever it did so, else the step's own. */
function implementationOf(id: string): StepFunction {
  const own = findStep(id)?.target as StepFunction | undefined;
  const places = [...(exportsOfSteps.get(id)?.byPlace.values() ?? [])];
  const functions = places.flatMap((place) => (place.isMember && own && !hasStep(place) ? [] : [readStep(id, place)]));
  const substitute = functions.find((fn) => fn !== own && !calls.has(fn));
  if (!substitute) return own ?? (functions[0] as StepFunction);
  if (substitute.maxRetries !== undefined || own?.maxRetries === undefined) return substitute;
  const { maxRetries } = own;
  return Object.assign(
    function (this: unknown, ...args: never[]): unknown {
      return substitute.apply(this, args);
    },
    { maxRetries },
  );
}

function hasStep({ read }: StepExport): boolean {
  try {
    return typeof read() === "function";
  } catch {
    return false;
  }
}

/** @throws INVALID_ARGUMENT when the mock of a module lacks the step */
function readStep(id: string, { file, name, read }: StepExport): StepFunction {
  let value: unknown;
  let cause: unknown;
  try {
    value = read();
  } catch (error) {
    cause = error;
  }
  if (typeof value === "function") return value as StepFunction;
  const what = cause === undefined ? `is ${value === null ? "null" : typeof value}` : "is missing";
  throw new PerdureError(
    "INVALID_ARGUMENT",
    `The step "${id}" cannot be called: the export "${name}" of ${file} ${what}. Its mock must provide a function of this name.`,
    cause === undefined ? {} : { cause },
  );
}
