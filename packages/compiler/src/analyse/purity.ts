import type { Class, Node } from "@babel/types";
import { isFunction, isTypeOnly, unwrap } from "../parse/nodes.ts";
import { children } from "../parse/walk.ts";
import type { Scope } from "./scope.ts";

/**
 * Whether an expression certainly has no effect and cannot throw, by the same measure as esbuild, which then drops it if its value is
 * unused. A "no" costs a few bytes, a wrong "yes" would keep host code in a bundle.
 */
export function isPure(expression: Node, module: Scope): boolean {
  const node = unwrap(expression);
  if (isFunction(node)) return true;
  switch (node.type) {
    case "StringLiteral":
    case "NumericLiteral":
    case "BigIntLiteral":
    case "BooleanLiteral":
    case "NullLiteral":
    case "RegExpLiteral":
      return true;
    case "Identifier":
      return node.name === "undefined" || module.bindings.has(node.name);
    case "TemplateLiteral":
      return node.expressions.every((part) => isPrimitive(part));
    case "UnaryExpression":
      return isPrimitive(node.argument) && node.operator !== "delete" && node.operator !== "throw";
    case "BinaryExpression":
      return isPrimitive(node.left) && isPrimitive(node.right);
    case "ArrayExpression":
      return node.elements.every((element) => element === null || (element.type !== "SpreadElement" && isPure(element, module)));
    case "ObjectExpression":
      return node.properties.every(
        (member) => member.type !== "SpreadElement" && !member.computed && (member.type === "ObjectMethod" || isPure(member.value, module)),
      );
    case "ConditionalExpression":
      return [node.test, node.consequent, node.alternate].every((part) => isPure(part, module));
    case "LogicalExpression":
      return isPure(node.left, module) && isPure(node.right, module);
    case "ClassExpression":
      return isPureClass(node, module);
    default:
      return false;
  }
}

/** Whether defining the class runs no code: no decorators, static values, static blocks or computed names that could. */
export function isPureClass(node: Class, module: Scope): boolean {
  if ((node.decorators?.length ?? 0) > 0) return false;
  if (node.superClass && !(unwrap(node.superClass).type === "Identifier" && isPure(node.superClass, module))) return false;
  return node.body.body.every((member) => {
    if (member.type === "StaticBlock") return false;
    if ("decorators" in member && (member.decorators?.length ?? 0) > 0) return false;
    if ("computed" in member && member.computed === true) return "key" in member && member.key.type === "StringLiteral";
    const isStatic = "static" in member && member.static === true;
    return !isStatic || !("value" in member) || !member.value || isPure(member.value, module);
  });
}

function isPrimitive(expression: Node): boolean {
  const node = unwrap(expression);
  switch (node.type) {
    case "StringLiteral":
    case "NumericLiteral":
    case "BooleanLiteral":
      return true;
    case "UnaryExpression":
      return isPrimitive(node.argument);
    case "BinaryExpression":
      return isPrimitive(node.left) && isPrimitive(node.right);
    default:
      return false;
  }
}

/** The first `await` that is evaluated together with the node itself, and not by a function inside it. */
export function findAwait(node: Node): Node | null {
  if (node.type === "AwaitExpression" || (node.type === "ForOfStatement" && node.await)) return node;
  if (node.type === "VariableDeclaration" && node.kind === "await using") return node;
  if (isFunction(node) || isTypeOnly(node)) return null;
  for (const child of children(node)) {
    const found = findAwait(child);
    if (found !== null) return found;
  }
  return null;
}
