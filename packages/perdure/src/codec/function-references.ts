import { PerdureError } from "../errors/perdure-error.ts";

/** A workflow's or a step's function, by id. A step inside a function also needs the variables around it. */
export interface FunctionReference {
  readonly kind: "workflow" | "step";
  readonly id: string;
  readonly captures: Readonly<Record<string, unknown>> | null;
}

export type AnyFunction = (...args: never[]) => unknown;
/** Finds a function by its reference; undefined if there is none. */
export type FunctionResolver = (reference: FunctionReference) => AnyFunction | undefined;

const workflowKey = Symbol.for("perdure.workflowId");
const stepKey = Symbol.for("perdure.stepId");
const capturesKey = Symbol.for("perdure.captures");

/** How workflow code and the functions in it go together: what is marked on the host is not there. */
export interface WorkflowFunctions {
  /** What a function that has no mark is; null for all that are neither a step's nor a workflow's. */
  readonly recognise: (fn: AnyFunction) => FunctionReference | null;
  readonly resolve: FunctionResolver;
}

let resolveOnHost: FunctionResolver = () => undefined;
let inWorkflow: () => WorkflowFunctions | null = () => null;

/** Says how functions are found on the host. */
export function resolveFunctionsBy(resolver: FunctionResolver): void {
  resolveOnHost = resolver;
}

/** For a place with workflow code: says how its functions are known, and null while none of it runs. */
export function findWorkflowFunctionsBy(find: () => WorkflowFunctions | null): void {
  inWorkflow = find;
}

/** Marks a function as the one of an id, so that it can be stored as a reference. Returns the function. */
export function markFunction<F extends AnyFunction>(fn: F, { kind, id, captures }: FunctionReference): F {
  Object.defineProperty(fn, kind === "workflow" ? workflowKey : stepKey, { value: id, configurable: true });
  if (captures) Object.defineProperty(fn, capturesKey, { value: captures, configurable: true });
  return fn;
}

/** What a function is a reference to; null for all other functions. */
export function referenceOfFunction(value: object): FunctionReference | null {
  if (typeof value !== "function") return null;
  return markOf(value) ?? inWorkflow()?.recognise(value as AnyFunction) ?? null;
}

function markOf(fn: object): FunctionReference | null {
  const marks = fn as { readonly [workflowKey]?: unknown; readonly [stepKey]?: unknown; readonly [capturesKey]?: unknown };
  const captures = (marks[capturesKey] ?? null) as FunctionReference["captures"];
  if (typeof marks[workflowKey] === "string") return { kind: "workflow", id: marks[workflowKey], captures: null };
  if (typeof marks[stepKey] === "string") return { kind: "step", id: marks[stepKey], captures };
  return null;
}

/** The function of a reference. One that this side does not have can be passed on, and says so when it is called. */
export function functionOfReference(reference: FunctionReference): AnyFunction {
  const here = inWorkflow();
  const found = here ? here.resolve(reference) : resolveOnHost(reference);
  if (found && markOf(found)) return found;
  const { kind, id } = reference;
  const unavailable = (): never => {
    const code = kind === "workflow" ? "WORKFLOW_CALLED_DIRECTLY" : "STEP_NOT_FOUND";
    throw new PerdureError(code, `The ${kind} "${id}" was called where only a reference to it is known.`);
  };
  const name = /[^#./]*$/.exec(id)?.[0];
  return markFunction(Object.defineProperty(found ?? unavailable, "name", { value: name, configurable: true }), reference);
}
