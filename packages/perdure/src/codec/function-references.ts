import { PerdureError } from "../errors/perdure-error.ts";

/** A workflow's or a step's function, by id. A step inside a function also needs the variables around it. */
export interface FunctionReference {
  readonly kind: "workflow" | "step";
  readonly id: string;
  readonly captures: Readonly<Record<string, unknown>> | null;
}

type AnyFunction = (...args: never[]) => unknown;
/** Finds the function on this side; undefined if there is none. */
export type FunctionResolver = (reference: FunctionReference) => AnyFunction | undefined;

const workflowKey = Symbol.for("perdure.workflowId");
const stepKey = Symbol.for("perdure.stepId");
const capturesKey = Symbol.for("perdure.captures");

let resolve: FunctionResolver = () => undefined;

/** Says how functions are found on this side. */
export function resolveFunctionsBy(resolver: FunctionResolver): void {
  resolve = resolver;
}

/** Marks a function as the one of an id, so that it can be stored as a reference. Returns the function. */
export function markFunction<F extends AnyFunction>(fn: F, { kind, id, captures }: FunctionReference): F {
  Object.defineProperty(fn, kind === "workflow" ? workflowKey : stepKey, { value: id, configurable: true });
  if (captures) Object.defineProperty(fn, capturesKey, { value: captures, configurable: true });
  return fn;
}

/** What a function is a reference to; null for all other functions. */
export function referenceOfFunction(value: object): FunctionReference | null {
  const marks = value as { readonly [workflowKey]?: unknown; readonly [stepKey]?: unknown; readonly [capturesKey]?: unknown };
  const captures = (marks[capturesKey] ?? null) as FunctionReference["captures"];
  if (typeof marks[workflowKey] === "string") return { kind: "workflow", id: marks[workflowKey], captures: null };
  if (typeof marks[stepKey] === "string") return { kind: "step", id: marks[stepKey], captures };
  return null;
}

/** The function of a reference. One that this side does not have can be passed on, and says so when it is called. */
export function functionOfReference(reference: FunctionReference): AnyFunction {
  const found = resolve(reference);
  if (found) return found;
  const { kind, id } = reference;
  const unavailable = (): never => {
    const code = kind === "workflow" ? "WORKFLOW_CALLED_DIRECTLY" : "STEP_NOT_FOUND";
    throw new PerdureError(code, `The ${kind} "${id}" was called where only a reference to it is known.`);
  };
  return markFunction(unavailable, reference);
}
