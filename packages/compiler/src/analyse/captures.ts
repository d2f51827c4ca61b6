import type { Node } from "@babel/types";
import type { Problem } from "../diagnose/diagnostic.ts";
import { contains, isFunction, rangeOf, unwrap } from "../parse/nodes.ts";
import type { MarkedFunction } from "./marked-function.ts";
import { memberUseOf } from "./member-use.ts";
import { enclosingFunctions, nameOf } from "./names.ts";
import type { Binding, Reference } from "./scope.ts";
import type { ScopeTree } from "./scope-tree.ts";

/**
 * The variables around a step that moves out of its place, in the order of their declarations, so that an edit of the step's body leaves the
 * list alone. Adds a problem for each use that does not work by value.
 */
export function findCaptures(step: MarkedFunction, tree: ScopeTree, problems: Problem[]): Binding[] {
  const captures = new Set<Binding>();
  for (const { binding, reference } of outerReferences(step, tree)) {
    captures.add(binding);
    const problem = captureProblem(reference, binding, step, tree);
    if (problem !== null) problems.push(problem);
  }
  return [...captures].sort((a, b) => rangeOf(a.identifier).start - rangeOf(b.identifier).start);
}

/** The problem of a workflow that uses variables of a block around it: its code must be complete without. */
export function findWorkflowCaptures(workflow: MarkedFunction, tree: ScopeTree): Problem[] {
  return outerReferences(workflow, tree).map(({ binding, reference }) => ({
    code: "CAPTURE_IN_WORKFLOW",
    range: rangeOf(reference.node),
    parameters: { name: workflow.name, variable: binding.name },
  }));
}

/** The uses, inside a function, of names that are neither its own nor the module's. */
function outerReferences({ node }: MarkedFunction, tree: ScopeTree): { reference: Reference; binding: Binding }[] {
  const inner = rangeOf(node);
  const ownName = node.type === "FunctionDeclaration" ? node.id : null;
  return tree.referencesIn(inner).flatMap((reference) => {
    const { binding } = reference;
    if (binding === undefined || binding.identifier === ownName || contains(inner, rangeOf(binding.scope.node))) return [];
    return isOfModule(binding, tree) ? [] : [{ reference, binding }];
  });
}

/** Whether a name means the same everywhere in the module. A class sees itself under a name of its own, which is that of its declaration. */
function isOfModule({ scope, kind, declaration, name }: Binding, tree: ScopeTree): boolean {
  if (scope === tree.module) return true;
  return kind === "class" && tree.module.bindings.get(name)?.declaration === declaration;
}

function captureProblem(reference: Reference, binding: Binding, step: MarkedFunction, tree: ScopeTree): Problem | null {
  const range = rangeOf(reference.node);
  const parameters = { name: step.name, variable: binding.name, owner: ownerOf(binding, step, tree) };
  if (reference.access !== "read") return { code: "CAPTURE_ASSIGNED", range, parameters };
  const what = functionKind(binding);
  if (what !== null) return { code: "CAPTURE_FUNCTION", range, parameters: { ...parameters, what } };
  if (isMutated(reference.node, tree)) return { code: "CAPTURE_MUTATED", range, parameters };
  return null;
}

/** To whom a variable belongs, for a message. */
function ownerOf(binding: Binding, { workflow }: MarkedFunction, tree: ScopeTree): string {
  const { declaration, scope } = binding;
  const owner = isFunction(scope.node) ? scope.node : enclosingFunctions(declaration, tree)[0];
  if (owner === undefined) return "the block around it";
  return `the ${owner === workflow ? "workflow" : "function"} ${nameOf(owner, tree)}`;
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

const mutators = new Set(["push", "pop", "shift", "unshift", "splice", "fill", "copyWithin", "set", "add", "delete", "clear"]);

/** Whether the use of a variable writes to a member of it, or calls a method for nothing but its effect on it. */
function isMutated(node: Node, tree: ScopeTree): boolean {
  const { value, parent, isMember } = memberUseOf(node, tree);
  if (!isMember) return false;
  switch (parent?.type) {
    case "AssignmentExpression":
      return parent.left === value;
    case "UpdateExpression":
      return true;
    case "UnaryExpression":
      return parent.operator === "delete";
    case "CallExpression":
      return parent.callee === value && tree.parentOf(parent)?.type === "ExpressionStatement" && mutators.has(methodOf(value));
    default:
      return false;
  }
}

function methodOf(callee: Node): string {
  return callee.type === "MemberExpression" && !callee.computed && callee.property.type === "Identifier" ? callee.property.name : "";
}
