import type {
  ArrowFunctionExpression,
  ClassMethod,
  ClassPrivateMethod,
  FunctionDeclaration,
  FunctionExpression,
  Node,
  ObjectMethod,
  ParenthesizedExpression,
  TSAsExpression,
  TSInstantiationExpression,
  TSNonNullExpression,
  TSSatisfiesExpression,
  TSTypeAssertion,
} from "@babel/types";

/** Every node that has parameters and a body of its own. */
export type FunctionNode =
  | FunctionDeclaration
  | FunctionExpression
  | ArrowFunctionExpression
  | ObjectMethod
  | ClassMethod
  | ClassPrivateMethod;

/** A function that is written as a member: `async charge() { … }`. */
export type MethodNode = ObjectMethod | ClassMethod | ClassPrivateMethod;

export function isMethod(node: Node): node is MethodNode {
  return node.type === "ObjectMethod" || node.type === "ClassMethod" || node.type === "ClassPrivateMethod";
}

/** A part of the source text: offsets in UTF-16 units, the end not included. */
export interface Range {
  start: number;
  end: number;
}

export function isFunction(node: Node): node is FunctionNode {
  switch (node.type) {
    case "FunctionDeclaration":
    case "FunctionExpression":
    case "ArrowFunctionExpression":
    case "ObjectMethod":
    case "ClassMethod":
    case "ClassPrivateMethod":
      return true;
    default:
      return false;
  }
}

/** The node's place in the source. Parsed nodes always have one. */
export function rangeOf(node: Node): Range {
  return { start: node.start ?? 0, end: node.end ?? 0 };
}

/** The part of a function in front of its body: short enough for a code frame. */
export function headOf(node: FunctionNode): Range {
  return { start: rangeOf(node).start, end: Math.max(rangeOf(node).start, rangeOf(node.body).start) };
}

export function contains(outer: Range, inner: Range): boolean {
  return outer.start <= inner.start && inner.end <= outer.end;
}

/** Whether a node is only a type: nothing of it is left at run time. Enums, namespaces, casts and parameter properties are values. */
export function isTypeOnly(node: Node): boolean {
  if (!node.type.startsWith("TS")) return node.type === "TypeAnnotation";
  switch (node.type) {
    case "TSAsExpression":
    case "TSSatisfiesExpression":
    case "TSNonNullExpression":
    case "TSTypeAssertion":
    case "TSInstantiationExpression":
    case "TSParameterProperty":
    case "TSExportAssignment":
      return false;
    case "TSEnumDeclaration":
    case "TSModuleDeclaration":
      return node.declare === true;
    case "TSEnumBody":
    case "TSEnumMember":
    case "TSModuleBlock":
    case "TSImportEqualsDeclaration":
    case "TSExternalModuleReference":
    case "TSQualifiedName":
      return false;
    default:
      return true;
  }
}

/** The expression inside casts, `satisfies`, `!` and parentheses. */
export function unwrap(node: Node): Node {
  let inner = node;
  while (isWrapper(inner)) inner = inner.expression;
  return inner;
}

type Wrapper =
  | TSAsExpression
  | TSSatisfiesExpression
  | TSNonNullExpression
  | TSTypeAssertion
  | TSInstantiationExpression
  | ParenthesizedExpression;

/** Whether the node is a cast or the like around one expression, whose value it passes on. */
export function isWrapper(node: Node): node is Wrapper {
  switch (node.type) {
    case "TSAsExpression":
    case "TSSatisfiesExpression":
    case "TSNonNullExpression":
    case "TSTypeAssertion":
    case "TSInstantiationExpression":
    case "ParenthesizedExpression":
      return true;
    default:
      return false;
  }
}
