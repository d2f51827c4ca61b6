/**
 * The functions of steps and workflows in workflow code, as values. Nothing marks them: a run evaluates its bundle anew, and would pay for each mark although few are
 * ever looked at. The compiler writes them so that they can be told by their own text: see "Functions as values" in docs/decisions/0001-compiled-code.md.
 */
import { findWorkflowFunctionsBy, type AnyFunction, type FunctionReference } from "../../codec/index.ts";
import { currentRunOrNull } from "./run-state.ts";
import { callStep, stepOf } from "./steps.ts";

const textOf = Function.prototype.toString;

/** `async function charge(...$args) { return callStep("id", $args); }` and all other forms of it, also as Vitest and coverage tools print them. */
const stub = /^async\b[^(]*\(\.\.\.(\$args\d*)\)[^]*?\bcallStep\d*\)?\(\s*(["'`])(?:\\.|(?!\2)[^\\])*\2,\s*\1\s*[,)]/;

/** The directive that `workflowMark` of the compiler writes. A workflow stands in no other function. */
const workflow = /^async\b[^]*?\{\s*["']perdure:workflow ([^"']*)["'];?/;

/** What a function of workflow code is; null for all that are neither a step's nor a workflow's. */
export function recogniseFunction(fn: AnyFunction): FunctionReference | null {
  const text = textOf.call(fn);
  if (!text.startsWith("async")) return null;
  const id = workflow.exec(text)?.[1];
  if (id !== undefined) return { kind: "workflow", id: decodeURIComponent(id), captures: null };
  return stub.test(text) ? stepOf(fn) : null;
}

/** A step's function asks for the step. A workflow's only stands for it. */
function functionOf({ kind, id, captures }: FunctionReference): AnyFunction | undefined {
  return kind === "workflow" ? undefined : (...args: unknown[]) => callStep(id, args, captures ?? undefined);
}

const inWorkflow = { recognise: recogniseFunction, resolve: functionOf };

/** To be called before workflow code runs. */
export function installFunctions(): void {
  findWorkflowFunctionsBy(() => (currentRunOrNull() ? inWorkflow : null));
}
