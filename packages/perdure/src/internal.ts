/**
 * What compiled code imports; see docs/decisions/0001-compiled-code.md. Not for use by hand.
 * @internal
 */
import { markFunction, resolveFunctionsBy } from "./codec/index.ts";
import { PerdureError } from "./errors/perdure-error.ts";
import {
  findStep,
  registerStep,
  registerWorkflow,
  type StepFactory,
  type StepFunction,
  type WorkflowBundle,
  type WorkflowInPlace,
} from "./registry.ts";

export { registerClass } from "./codec/index.ts";

resolveFunctionsBy(({ kind, id, captures }) => {
  const found = kind === "step" ? findStep(id) : undefined;
  if (!found?.isClosure) return found?.target as StepFunction | undefined;
  // The captures are complete when the value is that they are part of.
  return captures ? (...args: never[]) => (found.target as StepFactory)(captures)(...args) : undefined;
});

/** Registers a step, also under the ids that it had before, and returns its function. */
export function step<F extends (...args: never[]) => unknown>(id: string, fn: F, name: string, formerIds: readonly string[] = []): F {
  nameFunction(fn, name);
  registerStep({ id, name, target: fn as StepFunction, isClosure: false }, formerIds);
  return markFunction(fn, { kind: "step", id, captures: null });
}

/** Registers a step that uses variables around it: `factory` makes its function from its captures, an object by name. */
export function closureStep(
  id: string,
  factory: (captures: never) => (...args: never[]) => unknown,
  name: string,
  formerIds: readonly string[] = [],
): void {
  registerStep({ id, name, target: factory as StepFactory, isClosure: true }, formerIds);
}

/** Registers a workflow, also under the ids that it had before, and returns its function, which on the host only says how to start it. */
export function workflow<F extends (...args: never[]) => unknown>(
  id: string,
  fn: F,
  name: string,
  bundle?: WorkflowBundle | WorkflowInPlace,
  formerIds: readonly string[] = [],
): F {
  nameFunction(fn, name);
  registerWorkflow({ id, name, bundle: bundle ?? null }, { fn, formerIds });
  return fn;
}

/** The error of a workflow that was called like a function. */
export function workflowCalled(id: string): PerdureError {
  return new PerdureError("WORKFLOW_CALLED_DIRECTLY", `The workflow "${id}" was called like a function.`);
}

function nameFunction(fn: object, name: string): void {
  if ((fn as { name?: string }).name === "") Object.defineProperty(fn, "name", { value: name, configurable: true });
}
