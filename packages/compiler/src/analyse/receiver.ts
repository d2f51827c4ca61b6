import type { ClassBody, Node } from "@babel/types";
import type { Problem } from "../diagnose/diagnostic.ts";
import { isFunction, isTypeOnly, rangeOf } from "../parse/nodes.ts";
import { forEachChild } from "../parse/walk.ts";
import type { MarkedFunction } from "./marked-function.ts";

/**
 * The uses of `this`, `super` and the like that would mean something else, or nothing, in the process that runs the function. A step or
 * workflow that is not an arrow has its own `arguments`: those are the recorded ones. Steps inside a workflow are looked at on their own.
 */
export function findReceiverUses({ node, kind, name }: MarkedFunction, isMarked: (node: Node) => boolean): Problem[] {
  const problems: Problem[] = [];
  const isArrow = node.type === "ArrowFunctionExpression";
  const report = (at: Node, word: string) => problems.push({ code: "USES_THIS", range: rangeOf(at), parameters: { kind, name, word } });
  const visit = (at: Node): void => {
    if (isTypeOnly(at) || isMarked(at)) return;
    if (at.type === "ThisExpression") report(at, "this");
    else if (at.type === "Super") report(at, "super");
    else if (at.type === "MetaProperty" && at.meta.name === "new") report(at, "new.target");
    else if (isArrow && at.type === "Identifier" && at.name === "arguments") report(at, "arguments");
    else eachVisible(at, visit);
  };
  for (const param of node.params) visit(param);
  visit(node.body);
  return problems;
}

/**
 * The uses of private names of a class around the function, which cannot leave that class. To be asked of functions that move out of their
 * place only.
 */
export function findPrivateNames({ node, kind, name }: MarkedFunction): Problem[] {
  const problems: Problem[] = [];
  const visit = (at: Node, own: ReadonlySet<string>): void => {
    if (at.type === "PrivateName" && !own.has(at.id.name)) {
      problems.push({ code: "USES_THIS", range: rangeOf(at), parameters: { kind, name, word: `#${at.id.name}` } });
    }
    const inner = at.type === "ClassBody" ? new Set([...own, ...privateNames(at)]) : own;
    forEachChild(at, (child) => visit(child, inner), null);
  };
  visit(node.body, new Set());
  return problems;
}

function privateNames({ body }: ClassBody): string[] {
  return body.flatMap((member) => ("key" in member && member.key.type === "PrivateName" ? [member.key.id.name] : []));
}

/** The children that share the `this` of their parent: a function or class has its own, except in computed keys and `extends`. */
function eachVisible(node: Node, visit: (child: Node) => void): void {
  if (isFunction(node) && node.type !== "ArrowFunctionExpression") {
    if ("key" in node && node.computed === true) visit(node.key);
  } else if (node.type === "ClassProperty" || node.type === "ClassAccessorProperty") {
    if (node.computed) visit(node.key);
  } else if (node.type === "MemberExpression" && !node.computed) {
    visit(node.object);
  } else if (node.type === "ObjectProperty" && !node.computed) {
    visit(node.value);
  } else if (node.type !== "ClassPrivateProperty" && node.type !== "StaticBlock") {
    forEachChild(node, visit, null);
  }
}
