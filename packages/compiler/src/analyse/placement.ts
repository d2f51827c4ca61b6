import type { Node, ObjectMethod } from "@babel/types";
import type { Problem } from "../diagnose/diagnostic.ts";
import type { DirectiveKind } from "../parse/directive-text.ts";
import { type FunctionNode, type MethodNode, headOf, isFunction, isMethod, isWrapper } from "../parse/nodes.ts";
import type { DirectiveSite } from "./directive-sites.ts";
import { isEvaluatedOnce } from "./evaluation.ts";
import type { Placement } from "./marked-function.ts";
import { enclosingFunctions, nameOf } from "./names.ts";
import type { ScopeTree } from "./scope-tree.ts";

interface Candidate {
  node: FunctionNode;
  kind: DirectiveKind;
  tree: ScopeTree;
  sites: ReadonlyMap<FunctionNode, DirectiveSite>;
}

/** Says where a marked function stands, or why a function that stands there cannot be marked. */
export function placementOf(node: FunctionNode, kind: DirectiveKind, tree: ScopeTree, sites: Candidate["sites"]): Placement | Problem {
  const candidate = { node, kind, tree, sites };
  return unfit(candidate) ?? misplaced(candidate) ?? locate(candidate);
}

export function isProblem(value: Placement | Problem): value is Problem {
  return "code" in value;
}

/** What is wrong with the function itself, wherever it stands. */
function unfit({ node, kind, tree }: Candidate): Problem | null {
  const range = headOf(node);
  const name = nameOf(node, tree);
  if ("kind" in node && (node.kind === "get" || node.kind === "set")) return { code: "FUNCTION_IS_ACCESSOR", range, parameters: { kind } };
  if (node.generator === true) return { code: "FUNCTION_IS_GENERATOR", range, parameters: { kind, name } };
  if (node.async !== true) return { code: "FUNCTION_NOT_ASYNC", range, parameters: { kind, name } };
  return null;
}

/** What is wrong with the place. */
function misplaced(candidate: Candidate): Problem | null {
  const { node, kind, tree, sites } = candidate;
  const range = headOf(node);
  const enclosing = enclosingFunctions(node, tree);
  const step = enclosing.find((outer) => sites.get(outer)?.kind === "step");
  const [innermost] = enclosing;
  if (kind === "workflow" && innermost !== undefined) {
    const isInWorkflow = enclosing.some((outer) => sites.has(outer));
    if (!isInWorkflow) return { code: "FUNCTION_IN_FUNCTION", range, parameters: { kind, name: nameOf(innermost, tree) } };
    return { code: "WORKFLOW_NESTED", range, parameters: { where: step ? "a step" : "a workflow" } };
  }
  if (step) return { code: "STEP_IN_STEP", range, parameters: { name: nameOf(step, tree) } };
  const [value, parent] = climb(node, tree);
  if (parent?.type === "AssignmentExpression" && parent.right === value && parent.left.type === "Identifier") {
    return { code: "FUNCTION_REASSIGNED", range, parameters: { kind } };
  }
  const isCallee = (parent?.type === "CallExpression" || parent?.type === "NewExpression") && parent.callee === value;
  if (isCallee && (parent.type === "NewExpression" || innermost === undefined)) {
    return { code: "FUNCTION_POSITION", range, parameters: { kind, where: "called where it is written" } };
  }
  return isMethod(node) ? methodProblem(node, candidate) : null;
}

/** Why a method cannot be marked. */
function methodProblem(node: MethodNode, { kind, tree }: Candidate): Problem | null {
  const refuse = (reason: string): Problem => ({
    code: "FUNCTION_IN_CLASS",
    range: headOf(node),
    parameters: { kind, name: nameOf(node, tree), reason },
  });
  if ((node.decorators?.length ?? 0) > 0) return refuse("it has decorators");
  if (kind === "workflow" && node.type !== "ObjectMethod" && !node.static) return refuse("it belongs to an instance, and no run has one");
  return null;
}

/** Whether a method exists, on the class or its prototype, as soon as the class does, under a key that may be written twice. */
function isReachable(node: Exclude<MethodNode, ObjectMethod>): boolean {
  if (node.type === "ClassPrivateMethod") return node.static === true;
  return !node.computed || isConstantKey(node.key);
}

function isConstantKey(key: Node): boolean {
  if (key.type === "StringLiteral" || key.type === "NumericLiteral" || key.type === "Identifier") return true;
  return key.type === "MemberExpression" && !key.computed && isConstantKey(key.object);
}

function locate({ node, tree }: Candidate): Placement {
  const isInClass = isMethod(node) && node.type !== "ObjectMethod";
  const owner = isInClass ? tree.parentOf(node) : node;
  if (owner === null || !isEvaluatedOnce(owner, tree) || (isInClass && !isReachable(node))) return { kind: "closure" };
  if (isInClass) return { kind: "method" };
  return node.type === "FunctionDeclaration" ? { kind: "declaration", block: blockOf(node, tree) } : { kind: "value" };
}

/** The program, namespace, block or static block whose statement a declaration is. */
function blockOf(node: FunctionNode, tree: ScopeTree): Node {
  const parent = tree.parentOf(node) ?? node;
  return parent.type.startsWith("Export") ? (tree.parentOf(parent) ?? parent) : parent;
}

/** The workflow in whose body a node stands. */
export function workflowAround(node: FunctionNode, tree: ScopeTree, sites: Candidate["sites"]): FunctionNode | null {
  let child: Node = node;
  for (let outer = tree.parentOf(node); outer !== null; outer = tree.parentOf(outer)) {
    if (isFunction(outer) && outer.body === child && sites.get(outer)?.kind === "workflow") return outer;
    child = outer;
  }
  return null;
}

/** The node with the casts around it, and what these stand in. */
export function climb(node: Node, tree: ScopeTree): [value: Node, parent: Node | null] {
  let value = node;
  let parent = tree.parentOf(value);
  while (parent !== null && isWrapper(parent)) {
    value = parent;
    parent = tree.parentOf(value);
  }
  return [value, parent];
}
