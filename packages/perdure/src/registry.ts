/**
 * What the compiled code of this process has registered: steps and workflows by id. One per process, also when several copies of this package are
 * loaded; registering an id again (a hot reload) replaces it.
 */
import type { InPlaceRealm, RealmOptions, WorkflowCall } from "./sandbox/realm.ts";
import type { SourcePosition } from "./source-position.ts";
import type { StepOptions } from "./step-options.ts";

/** A step's implementation. */
export interface RegisteredStep {
  readonly id: string;
  readonly name: string;
  /** The function itself, or for a step nested in a workflow a function of its captures that returns it. */
  readonly target: StepFunction | StepFactory;
  readonly isClosure: boolean;
}

/** Makes the function of a step that was nested in a workflow. */
export type StepFactory = (captures: Readonly<Record<string, unknown>>) => StepFunction;

/** How a step is tried can be said on its function: `charge.maxRetries = 5`, or all of it as `charge.options = { … }`. */
export type StepFunction = ((...args: never[]) => unknown) & { maxRetries?: number; options?: StepOptions };

/** A workflow's code as the compiler bundled it. */
export interface WorkflowBundle {
  /** Lower-case hex SHA-256 of `code`. */
  readonly version: string;
  readonly code: string;
  /** Source map, JSON. */
  readonly map: string;
}

/** A workflow whose code stays in the process's module graph, as under Vitest. No other process can have it. */
export interface WorkflowInPlace {
  readonly version: string;
  /** Imports the workflow's function. */
  readonly load: () => Promise<WorkflowCall>;
  readonly createRealm: (options: RealmOptions) => InPlaceRealm;
  /** Where a frame of workflow code in a stack is in the source; `index`: 0 for the innermost, and where there are not so many, that one. Null: there is none. */
  readonly positionOf: (stack: string, index: number) => SourcePosition | null;
}

export interface RegisteredWorkflow {
  readonly id: string;
  readonly name: string;
  readonly bundle: WorkflowBundle | WorkflowInPlace | null;
  /** Its function on the host, on which options can be said, see `workflow-options.ts`. */
  readonly target: { readonly options?: unknown };
}

interface Registry {
  readonly steps: Map<string, RegisteredStep>;
  readonly workflows: Map<string, RegisteredWorkflow>;
  /** From the ids which functions had before to those that they have now. */
  readonly renamed: Map<string, string>;
}

const key = Symbol.for("perdure.registry");
const workflowIdKey = Symbol.for("perdure.workflowId");

function registry(): Registry {
  const holder = globalThis as { [key]?: Registry };
  holder[key] ??= { steps: new Map(), workflows: new Map(), renamed: new Map() };
  return holder[key];
}

export function registerStep(step: RegisteredStep, formerIds: readonly string[] = []): void {
  registry().steps.set(step.id, step);
  rename(step.id, formerIds);
}

/** The step with an id, or that had it before it was renamed. */
export function findStep(id: string): RegisteredStep | undefined {
  const { steps, renamed } = registry();
  return steps.get(id) ?? steps.get(renamed.get(id) ?? id);
}

function rename(id: string, formerIds: readonly string[]): void {
  for (const former of formerIds) registry().renamed.set(former, id);
}

/** The workflow with an id, or that had it before it was renamed. */
export function findWorkflowById(id: string): RegisteredWorkflow | undefined {
  const { workflows, renamed } = registry();
  return workflows.get(id) ?? workflows.get(renamed.get(id) ?? id);
}

export function registerWorkflow(
  { id, name, bundle }: Omit<RegisteredWorkflow, "target">,
  { fn, formerIds = [] }: { fn: object; formerIds?: readonly string[] },
): void {
  registry().workflows.set(id, { id, name, bundle, target: fn });
  rename(id, formerIds);
  Object.defineProperty(fn, workflowIdKey, { value: id, configurable: true });
}

/** The registration behind a workflow function, or undefined when it is not one. */
export function findWorkflow(fn: unknown): RegisteredWorkflow | undefined {
  if (typeof fn !== "function") return undefined;
  const id = (fn as { [workflowIdKey]?: string })[workflowIdKey];
  return id === undefined ? undefined : registry().workflows.get(id);
}

/** All that is registered, in the order of registration. */
export function registeredFunctions(): { readonly workflows: readonly RegisteredWorkflow[]; readonly steps: readonly RegisteredStep[] } {
  const { workflows, steps } = registry();
  return { workflows: [...workflows.values()], steps: [...steps.values()] };
}

/** The bundle of a version, if this process was built with it. */
export function findBundle(workflowId: string, version: string): WorkflowBundle | WorkflowInPlace | undefined {
  const bundle = findWorkflowById(workflowId)?.bundle;
  return bundle?.version === version ? bundle : undefined;
}
