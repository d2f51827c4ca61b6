import type { Node, ObjectMember } from "@babel/types";
import type { Problem } from "../diagnose/diagnostic.ts";
import type { DirectiveKind } from "../parse/directive-text.ts";
import { type FunctionNode, contains, isFunction, isWrapper, rangeOf } from "../parse/nodes.ts";
import type { DirectiveSite } from "./directive-sites.ts";
import type { Placement } from "./marked-function.ts";
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
  return unfit(candidate) ?? locate(candidate);
}

export function isProblem(value: Placement | Problem): value is Problem {
  return "code" in value;
}

/** What is wrong with the function itself, wherever it stands. */
function unfit({ node, kind, tree }: Candidate): Problem | null {
  const range = headOf(node);
  const parent = tree.parentOf(node);
  const name = nameOf(node, tree);
  const isAccessor = "kind" in node && (node.kind === "get" || node.kind === "set");
  if (isAccessor) return { code: "FUNCTION_IS_ACCESSOR", range, parameters: { kind } };
  const inClass = node.type === "ClassMethod" || node.type === "ClassPrivateMethod" || parent?.type.startsWith("Class") === true;
  if (inClass && parent?.type !== "ClassDeclaration") return { code: "FUNCTION_IN_CLASS", range, parameters: { kind, name } };
  if (node.generator === true) return { code: "FUNCTION_IS_GENERATOR", range, parameters: { kind, name } };
  if (node.async !== true) return { code: "FUNCTION_NOT_ASYNC", range, parameters: { kind, name } };
  return null;
}

function locate(candidate: Candidate): Placement | Problem {
  const { node, tree } = candidate;
  const enclosing = enclosingFunctions(node, tree);
  return enclosing.length > 0 ? locateNested(candidate, enclosing) : locateTopLevel(candidate);
}

function locateTopLevel(candidate: Candidate): Placement | Problem {
  const { node, tree } = candidate;
  const [value, parent] = climb(node, tree);
  if (node.type === "FunctionDeclaration") {
    if (parent?.type !== "Program" && !parent?.type.startsWith("Export")) return position(candidate, blockName(parent));
    return { kind: "declaration", name: node.id?.name ?? null };
  }
  if (node.type === "ObjectMethod" || (parent?.type === "ObjectProperty" && parent.value === value)) {
    return locateMember(candidate, node.type === "ObjectMethod" ? node : (parent as ObjectMember));
  }
  if (parent?.type === "ExportDefaultDeclaration") return { kind: "default", statement: parent };
  if (parent?.type !== "VariableDeclarator") return misplaced(candidate, value, parent);
  const name = constantName(candidate, parent);
  if (typeof name !== "string") return name;
  if (!isTopLevelVariable(parent, tree)) return position(candidate, blockName(tree.parentOf(tree.parentOf(parent) ?? parent)));
  return { kind: "variable", name };
}

function locateMember(candidate: Candidate, member: ObjectMember): Placement | Problem {
  const { tree } = candidate;
  const keys: string[] = [];
  let current: ObjectMember = member;
  for (;;) {
    const key = keyOf(current);
    if (key === null) return position(candidate, "under a computed key");
    keys.unshift(key);
    const object = tree.parentOf(current);
    const [value, parent] = object === null ? [null, null] : climb(object, tree);
    if (parent?.type === "ObjectProperty" && parent.value === value) {
      current = parent;
      continue;
    }
    if (parent?.type === "ExportDefaultDeclaration") return { kind: "member", root: parent, rootName: null, keys };
    if (parent?.type !== "VariableDeclarator" || !isTopLevelVariable(parent, tree)) {
      return position(candidate, "a member of an object that is not a constant of the module");
    }
    const rootName = constantName(candidate, parent);
    return typeof rootName === "string" ? { kind: "member", root: parent, rootName, keys } : rootName;
  }
}

function locateNested(candidate: Candidate, enclosing: FunctionNode[]): Placement | Problem {
  const { node, kind, tree, sites } = candidate;
  const range = headOf(node);
  const marked = enclosing.map((outer) => ({ outer, site: sites.get(outer) }));
  const step = marked.find(({ site }) => site?.kind === "step");
  const workflow = marked.findLast(({ site }) => site?.kind === "workflow");
  if (kind === "workflow") {
    const where = step ? "a step" : workflow ? "a workflow" : "another function";
    return { code: "WORKFLOW_NESTED", range, parameters: { where } };
  }
  if (step) return { code: "STEP_IN_STEP", range, parameters: { name: nameOf(step.outer, tree) } };
  if (!workflow) {
    const name = enclosing[0] === undefined ? "" : nameOf(enclosing[0], tree);
    return { code: "FUNCTION_IN_FUNCTION", range, parameters: { kind, name } };
  }
  if (!contains(rangeOf(workflow.outer.body), rangeOf(node))) return position(candidate, "a part of a default value");
  if (node.type === "FunctionDeclaration" && node.id) return { kind: "nested", name: node.id.name, workflow: workflow.outer };
  const [value, parent] = climb(node, tree);
  if (node.type === "ObjectMethod" || parent?.type === "ObjectProperty")
    return position(candidate, "a member of an object inside a workflow");
  if (parent?.type !== "VariableDeclarator") return misplaced(candidate, value, parent);
  const name = constantName(candidate, parent);
  return typeof name === "string" ? { kind: "nested", name, workflow: workflow.outer } : name;
}

function constantName({ node, kind, tree }: Candidate, declarator: Extract<Node, { type: "VariableDeclarator" }>): string | Problem {
  const { id } = declarator;
  if (id.type !== "Identifier")
    return { code: "FUNCTION_POSITION", range: headOf(node), parameters: { kind, where: "taken apart by a pattern" } };
  const declaration = tree.parentOf(declarator);
  const keyword = declaration?.type === "VariableDeclaration" ? declaration.kind : "const";
  if (keyword === "const") return id.name;
  return { code: "FUNCTION_NOT_CONST", range: rangeOf(id), parameters: { kind, name: id.name, keyword } };
}

/** The problem of a function expression in a place without a lasting name. */
function misplaced(candidate: Candidate, value: Node, parent: Node | null): Problem {
  const { node, kind } = candidate;
  const range = headOf(node);
  switch (parent?.type) {
    case "CallExpression":
    case "OptionalCallExpression":
    case "NewExpression":
      if (parent.callee === value) return position(candidate, "called where it is written");
      return { code: "FUNCTION_IN_CALL", range, parameters: { kind } };
    case "AssignmentExpression":
      return { code: "FUNCTION_REASSIGNED", range, parameters: { kind } };
    case "ArrayExpression":
      return position(candidate, "an element of an array");
    case "ConditionalExpression":
    case "LogicalExpression":
      return position(candidate, "one of several values between which a condition decides");
    case "AssignmentPattern":
      return position(candidate, "a default value");
    case "ReturnStatement":
    case "ArrowFunctionExpression":
      return position(candidate, "what a function returns");
    default:
      return position(candidate, "in this place, which has no lasting name");
  }
}

function position({ node, kind }: Candidate, where: string): Problem {
  return { code: "FUNCTION_POSITION", range: headOf(node), parameters: { kind, where } };
}

function blockName(parent: Node | null): string {
  return parent?.type === "TSModuleBlock" ? "inside a namespace" : "inside a block of the module";
}

function isTopLevelVariable(declarator: Node, tree: ScopeTree): boolean {
  const declaration = tree.parentOf(declarator);
  const parent = declaration === null ? null : tree.parentOf(declaration);
  return parent?.type === "Program" || parent?.type === "ExportNamedDeclaration";
}

/** The node with the casts around it, and what these stand in. */
function climb(node: Node, tree: ScopeTree): [value: Node, parent: Node | null] {
  let value = node;
  let parent = tree.parentOf(value);
  while (parent !== null && isWrapper(parent)) {
    value = parent;
    parent = tree.parentOf(value);
  }
  return [value, parent];
}

/** The functions around a node, innermost first. Class field values and static blocks count with their class's surroundings. */
export function enclosingFunctions(node: Node, tree: ScopeTree): FunctionNode[] {
  const functions: FunctionNode[] = [];
  for (let outer = tree.parentOf(node); outer !== null; outer = tree.parentOf(outer)) if (isFunction(outer)) functions.push(outer);
  return functions;
}

/** The key of an object's member as a string, or null if it is computed. */
function keyOf(member: ObjectMember): string | null {
  if (member.computed) return null;
  switch (member.key.type) {
    case "Identifier":
      return member.key.name;
    case "StringLiteral":
      return member.key.value;
    case "NumericLiteral":
      return String(member.key.value);
    default:
      return null;
  }
}

/** What to call a function in a message or an id: its own name, or that of the variable or member that holds it. */
export function nameOf(node: FunctionNode, tree: ScopeTree): string {
  if ("id" in node && node.id) return node.id.name;
  if (node.type === "ClassPrivateMethod") return `#${node.key.id.name}`;
  if ("key" in node)
    return "name" in node.key && !node.computed ? node.key.name : "value" in node.key ? String(node.key.value) : "(computed)";
  const [, parent] = climb(node, tree);
  if (parent?.type === "VariableDeclarator" && parent.id.type === "Identifier") return parent.id.name;
  if (parent?.type === "ObjectProperty") return keyOf(parent) ?? "(computed)";
  if ((parent?.type === "ClassProperty" || parent?.type === "ClassAccessorProperty") && parent.key.type === "Identifier")
    return parent.key.name;
  return "(anonymous)";
}

/** The part of a function in front of its body: short enough for a code frame. */
function headOf(node: FunctionNode): { start: number; end: number } {
  return { start: rangeOf(node).start, end: Math.max(rangeOf(node).start, rangeOf(node.body).start) };
}
