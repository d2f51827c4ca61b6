/**
 * What compiled code imports; see docs/decisions/0001-compiled-code.md. Not for use by hand.
 * @internal
 */
import { PerdureError } from "./errors/perdure-error.ts";
import { registerStep, registerWorkflow, type StepFactory, type StepFunction, type WorkflowBundle } from "./registry.ts";

/** Registers a step and returns its function. */
export function step<F extends (...args: never[]) => unknown>(id: string, fn: F, name: string): F {
  nameFunction(fn, name);
  registerStep({ id, name, target: fn as StepFunction, isClosure: false });
  return fn;
}

/** Registers a step that was nested in a workflow: `factory` makes its function from its captures, an object by name. */
export function closureStep(id: string, factory: (captures: never) => (...args: never[]) => unknown, name: string): void {
  registerStep({ id, name, target: factory as StepFactory, isClosure: true });
}

/** Registers a workflow and returns its function, which on the host only says how to start it. */
export function workflow<F extends (...args: never[]) => unknown>(id: string, fn: F, name: string, bundle?: WorkflowBundle): F {
  nameFunction(fn, name);
  registerWorkflow({ id, name, bundle: bundle ?? null }, fn);
  return fn;
}

/** The error of a workflow that was called like a function. */
export function workflowCalled(id: string): PerdureError {
  return new PerdureError("WORKFLOW_CALLED_DIRECTLY", `The workflow "${id}" was called like a function.`);
}

function nameFunction(fn: object, name: string): void {
  if ((fn as { name?: string }).name === "") Object.defineProperty(fn, "name", { value: name, configurable: true });
}
