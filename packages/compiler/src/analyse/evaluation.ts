import type { Node } from "@babel/types";
import { isFunction, isWrapper } from "../parse/nodes.ts";
import type { ScopeTree } from "./scope-tree.ts";

/**
 * Whether the place of a node is evaluated exactly once, together with the module: it is in no function, and no branch or loop decides about
 * it. What is evaluated there exists in every process that has loaded the module.
 */
export function isEvaluatedOnce(node: Node, tree: ScopeTree): boolean {
  let child = node;
  for (let parent = tree.parentOf(child); parent !== null; parent = tree.parentOf(parent)) {
    if (!evaluates(parent, child)) return false;
    child = parent;
  }
  return true;
}

/** Whether each evaluation of `parent` evaluates `child` once. */
function evaluates(parent: Node, child: Node): boolean {
  if (isFunction(parent)) return false;
  if (isWrapper(parent) || parent.type.startsWith("JSX")) return true;
  switch (parent.type) {
    case "Program":
    case "ExportNamedDeclaration":
    case "ExportDefaultDeclaration":
    case "VariableDeclaration":
    case "ExpressionStatement":
    case "BlockStatement":
    case "TSModuleDeclaration":
    case "TSModuleBlock":
    case "ClassDeclaration":
    case "ClassExpression":
    case "ClassBody":
    case "StaticBlock":
    case "Decorator":
    case "ObjectExpression":
    case "ObjectProperty":
    case "ArrayExpression":
    case "SpreadElement":
    case "TemplateLiteral":
    case "TaggedTemplateExpression":
    case "SequenceExpression":
    case "AwaitExpression":
    case "UnaryExpression":
    case "BinaryExpression":
    case "MemberExpression":
    case "CallExpression":
    case "NewExpression":
      return true;
    case "VariableDeclarator":
      return parent.init === child;
    case "AssignmentExpression":
      return parent.operator === "=";
    case "ConditionalExpression":
      return parent.test === child;
    case "LogicalExpression":
      return parent.left === child;
    case "ClassProperty":
    case "ClassPrivateProperty":
    case "ClassAccessorProperty":
      return parent.static || parent.value !== child;
    default:
      return false;
  }
}
