/**
 * What is different in a process whose workflows run in place, from its own module graph (Vitest): workflow code that meets the host's `perdure` gets what
 * the sandbox would give it, and attempts may call something else than the step that was registered. One per process, like the registry.
 */
import { findStep, type RegisteredStep } from "./registry.ts";
import type { WorkflowModule } from "./sandbox/kernel/workflow-module.ts";

interface InPlace {
  readonly substitutes: Map<string, RegisteredStep>;
  scope: () => WorkflowModule | undefined;
}

const key = Symbol.for("perdure.inPlace");

function inPlace(): InPlace {
  const holder = globalThis as { [key]?: InPlace };
  holder[key] ??= { substitutes: new Map(), scope: () => undefined };
  return holder[key];
}

/** What `perdure` is to workflow code that runs in place; undefined for every other caller. */
export function workflowScope(): WorkflowModule | undefined {
  return inPlace().scope();
}

export function setWorkflowScope(scope: () => WorkflowModule | undefined): void {
  inPlace().scope = scope;
}

/** The implementation of a step that attempts call. */
export function findImplementation(stepId: string): RegisteredStep | undefined {
  return inPlace().substitutes.get(stepId) ?? findStep(stepId);
}

/** From now on attempts of the step call this implementation. */
export function substituteStep(step: RegisteredStep): void {
  inPlace().substitutes.set(step.id, step);
}
