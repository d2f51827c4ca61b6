import type { Class, Node } from "@babel/types";
import { type FunctionNode, isFunction, isWrapper } from "../parse/nodes.ts";
import type { ScopeTree } from "./scope-tree.ts";

/** What has a path of names: a function, or a class whose instances can be stored. */
export type NamedNode = FunctionNode | Class;

/** The names that lead to a function or class from the function around it, or from the module, from the outside in. */
export interface LocalNames {
  /** Empty if nothing has a name there. */
  names: string[];
  /** Whether the first is that of a variable, function, class or namespace, and not of a member. */
  beginsWithVariable: boolean;
}

/**
 * Collects the names between a function or class and what surrounds it: variables, keys, classes, namespaces, and its own name where it stands in a
 * place without one. Positions do not count, so that nothing which is inserted or moved changes the result. The called function lends its
 * name where there is no other: `items.map(async (item) => { "use step"; … })`.
 */
export function localNames(node: NamedNode, tree: ScopeTree): LocalNames {
  let names = "key" in node ? methodNames(node) : ownNames(node, tree);
  let beginsWithVariable = node.type === "FunctionDeclaration" || node.type === "ClassDeclaration";
  let callee: string[] = [];
  let child: Node = node;
  for (let parent = tree.parentOf(child); parent !== null && !isFunction(parent); parent = tree.parentOf(parent)) {
    const outer = namesBy(parent, child, tree);
    if (outer.length > 0) {
      const isNamedDefault = parent.type === "ExportDefaultDeclaration" && names.length > 0 && hasId(child);
      if (!isNamedDefault) names = [...outer, ...names];
      beginsWithVariable = parent.type !== "ExportDefaultDeclaration" && !isMember(parent);
    }
    if (callee.length === 0) callee = calleeNames(parent, child);
    child = parent;
  }
  return names.length > 0 ? { names, beginsWithVariable } : { names: callee, beginsWithVariable: false };
}

/** The names that a node gives to what is inside one of its children. */
function namesBy(parent: Node, child: Node, tree: ScopeTree): string[] {
  switch (parent.type) {
    case "VariableDeclarator":
      return parent.init === child && parent.id.type === "Identifier" ? [parent.id.name] : [];
    case "AssignmentPattern":
      return parent.right === child && parent.left.type === "Identifier" ? [parent.left.name] : [];
    case "ObjectProperty":
      return parent.value === child && child.type !== "AssignmentPattern" ? listOf(keyName(parent)) : [];
    case "ClassProperty":
    case "ClassAccessorProperty":
      return parent.value === child ? memberNames(parent) : [];
    case "ClassPrivateProperty":
      return parent.value === child ? [`#${parent.key.id.name}`] : [];
    case "ClassDeclaration":
      return listOf(parent.id?.name ?? null);
    case "ClassExpression":
      return hasNameOfPlace(parent, tree) ? [] : listOf(parent.id?.name ?? null);
    case "AssignmentExpression":
      return parent.right === child ? targetNames(parent.left) : [];
    case "TSModuleDeclaration":
      return parent.id.type === "Identifier" ? [parent.id.name] : [];
    case "JSXAttribute":
      return parent.name.type === "JSXIdentifier" ? [parent.name.name] : [];
    case "ExportDefaultDeclaration":
      return ["default"];
    default:
      return [];
  }
}

const listOf = (name: string | null): string[] => (name === null ? [] : [name]);

function isMember({ type }: Node): boolean {
  return type === "ObjectProperty" || type === "JSXAttribute" || type === "ClassProperty" || type === "ClassAccessorProperty";
}

function hasId(declaration: Node): boolean {
  let node = declaration;
  while (isWrapper(node)) node = node.expression;
  return "id" in node && node.id !== null && node.id !== undefined;
}

/** What to call a function in a message: its own name, or that of the variable or member that holds it. */
export function nameOf(node: FunctionNode, tree: ScopeTree): string {
  return directName(node, tree) ?? "(anonymous)";
}

/** The functions around a node, innermost first. Class field values and static blocks count with their class's surroundings. */
export function enclosingFunctions(node: Node, tree: ScopeTree): FunctionNode[] {
  const functions: FunctionNode[] = [];
  for (let outer = tree.parentOf(node); outer !== null; outer = tree.parentOf(outer)) if (isFunction(outer)) functions.push(outer);
  return functions;
}

/** The name by which a function is known where it stands; null if it has none. */
export function directName(node: FunctionNode, tree: ScopeTree): string | null {
  if ("id" in node && node.id) return node.id.name;
  if (node.type === "ClassPrivateMethod") return `#${node.key.id.name}`;
  if ("key" in node) return keyName(node) ?? "(computed)";
  const parent = outerOf(node, tree);
  if (parent?.type === "VariableDeclarator" && parent.id.type === "Identifier") return parent.id.name;
  if (parent?.type === "ObjectProperty" || parent?.type === "ClassProperty" || parent?.type === "ClassAccessorProperty")
    return keyName(parent) ?? "(computed)";
  return null;
}

/** The name of a declaration; that of an expression only where the place does not give it another. */
function ownNames(node: Exclude<NamedNode, { key: unknown }>, tree: ScopeTree): string[] {
  if (!("id" in node) || !node.id) return [];
  return node.type.endsWith("Expression") && hasNameOfPlace(node, tree) ? [] : [node.id.name];
}

/** Whether what directly holds a function or class expression has a name for it. */
function hasNameOfPlace(node: Node, tree: ScopeTree): boolean {
  const parent = outerOf(node, tree);
  switch (parent?.type) {
    case "VariableDeclarator":
      return parent.id.type === "Identifier";
    case "AssignmentPattern":
      return parent.left.type === "Identifier";
    case "ObjectProperty":
    case "ClassProperty":
    case "ClassAccessorProperty":
      return keyName(parent) !== null;
    case "AssignmentExpression":
      return targetNames(parent.left).length > 0;
    default:
      return false;
  }
}

/** What a node stands in, casts and parentheses left out. */
function outerOf(node: Node, tree: ScopeTree): Node | null {
  let parent = tree.parentOf(node);
  while (parent !== null && isWrapper(parent)) parent = tree.parentOf(parent);
  return parent;
}

type Member = Extract<Node, { type: "ObjectMethod" | "ClassMethod" | "ClassPrivateMethod" }>;

function methodNames(node: Member): string[] {
  if (node.type === "ClassPrivateMethod") return [`#${node.key.id.name}`];
  return node.type === "ClassMethod" ? memberNames(node) : listOf(keyName(node));
}

/** A class member's name, as one reads it from the class. */
function memberNames(node: Extract<Node, { type: "ClassMethod" | "ClassProperty" | "ClassAccessorProperty" }>): string[] {
  const name = keyName(node);
  if (name === null) return [];
  return node.static ? [name] : ["prototype", name];
}

/** The key of a member: as it is written, or of a computed key the name of the constant in brackets. */
export function keyName({ key, computed }: { key: Node; computed?: boolean | null }): string | null {
  if (key.type === "StringLiteral") return key.value;
  if (key.type === "NumericLiteral") return String(key.value);
  if (computed !== true) return key.type === "Identifier" ? key.name : null;
  const names = targetNames(key);
  return names.length === 0 ? null : `[${names.join(".")}]`;
}

/** `a.b.c` as a list of names; empty if it is anything else. */
function targetNames(node: Node): string[] {
  if (isWrapper(node)) return targetNames(node.expression);
  if (node.type === "Identifier") return [node.name];
  if (node.type === "ThisExpression") return [];
  if (node.type !== "MemberExpression") return [];
  const name = keyName({ key: node.property, computed: node.computed });
  const object = targetNames(node.object);
  return name === null || (object.length === 0 && node.object.type !== "ThisExpression") ? [] : [...object, name];
}

/** The name of the function that is called with `child` among its arguments. */
function calleeNames(parent: Node, child: Node): string[] {
  switch (parent.type) {
    case "CallExpression":
    case "OptionalCallExpression":
    case "NewExpression":
      return parent.callee === child ? [] : lastName(parent.callee);
    case "TaggedTemplateExpression":
      return lastName(parent.tag);
    case "JSXOpeningElement":
      return parent.name.type === "JSXIdentifier" ? [parent.name.name] : [];
    default:
      return [];
  }
}

function lastName(node: Node): string[] {
  if (isWrapper(node)) return lastName(node.expression);
  if (node.type === "Identifier") return [node.name];
  if (node.type === "MemberExpression" || node.type === "OptionalMemberExpression")
    return listOf(keyName({ key: node.property, computed: node.computed }));
  return [];
}
