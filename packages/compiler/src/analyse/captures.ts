import type { Node } from "@babel/types";
import type { Problem } from "../diagnose/diagnostic.ts";
import { type FunctionNode, contains, isFunction, rangeOf, unwrap } from "../parse/nodes.ts";
import type { MarkedFunction } from "./marked-function.ts";
import { memberUseOf } from "./member-use.ts";
import type { Binding, Reference } from "./scope.ts";
import type { ScopeTree } from "./scope-tree.ts";

interface NestedStep {
  step: MarkedFunction;
  workflow: FunctionNode;
  workflowName: string;
}

/**
 * The variables of the workflow that a nested step uses, in the order of their declarations, so that an edit of the step's body leaves
 * the list alone. Adds a problem for each use that does not work by value.
 */
export function findCaptures(nested: NestedStep, tree: ScopeTree, problems: Problem[]): Binding[] {
  const { step, workflow } = nested;
  const inner = rangeOf(step.node);
  const workflowScope = tree.scopeOf(workflow);
  const ownName = step.node.type === "FunctionDeclaration" ? step.node.id : null;
  const captures = new Set<Binding>();
  for (const reference of tree.referencesIn(inner)) {
    const { binding } = reference;
    if (binding === undefined || binding.identifier === ownName) continue;
    if (workflowScope === undefined || !binding.scope.isWithin(workflowScope)) continue;
    if (contains(inner, rangeOf(binding.scope.node))) continue;
    captures.add(binding);
    const problem = captureProblem(reference, binding, nested, tree);
    if (problem !== null) problems.push(problem);
  }
  return [...captures].sort((a, b) => rangeOf(a.identifier).start - rangeOf(b.identifier).start);
}

function captureProblem(reference: Reference, binding: Binding, nested: NestedStep, tree: ScopeTree): Problem | null {
  const range = rangeOf(reference.node);
  const parameters = { name: nested.step.name, variable: binding.name, workflow: nested.workflowName };
  if (reference.access !== "read") return { code: "CAPTURE_ASSIGNED", range, parameters };
  const what = functionKind(binding);
  if (what !== null) return { code: "CAPTURE_FUNCTION", range, parameters: { ...parameters, what } };
  if (isMutated(reference.node, tree)) return { code: "CAPTURE_MUTATED", range, parameters };
  return null;
}

/** What a binding holds if it certainly is not data. */
function functionKind({ kind, declaration }: Binding): string | null {
  if (kind === "class") return "a class";
  if (kind === "function") return "a function";
  if (declaration.type !== "VariableDeclarator" || declaration.id.type !== "Identifier" || !declaration.init) return null;
  const value = unwrap(declaration.init);
  if (isFunction(value)) return "a function";
  return value.type === "ClassExpression" ? "a class" : null;
}

/** Whether the statement around a use of a variable writes to a member of it. */
function isMutated(node: Node, tree: ScopeTree): boolean {
  const { value, parent, isMember } = memberUseOf(node, tree);
  if (!isMember) return false;
  if (parent?.type === "AssignmentExpression") return parent.left === value;
  return parent?.type === "UpdateExpression" || (parent?.type === "UnaryExpression" && parent.operator === "delete");
}
