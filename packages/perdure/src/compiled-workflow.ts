import { PerdureError } from "./errors/perdure-error.ts";
import { findWorkflow, type RegisteredWorkflow, type WorkflowBundle, type WorkflowInPlace } from "./registry.ts";

/** A workflow with its code. */
export interface CompiledWorkflow extends RegisteredWorkflow {
  readonly bundle: WorkflowBundle | WorkflowInPlace;
}

/** What is registered of a workflow's function. @param caller who was given it, for the message  @throws WORKFLOW_NOT_COMPILED */
export function compiledWorkflow(workflow: unknown, caller: string): CompiledWorkflow {
  const registered = findWorkflow(workflow);
  if (!registered) {
    const name =
      typeof workflow === "function" ? `The function ${workflow.name || "(anonymous)"}` : `What ${caller} was given (${typeof workflow})`;
    throw new PerdureError("WORKFLOW_NOT_COMPILED", `${name} is not a compiled workflow.`);
  }
  if (!registered.bundle)
    throw new PerdureError("WORKFLOW_NOT_COMPILED", `The workflow "${registered.id}" was compiled without its bundle.`);
  return registered as CompiledWorkflow;
}
