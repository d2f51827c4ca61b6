import type { Class, ClassBody, Node } from "@babel/types";
import type { Problem } from "../diagnose/diagnostic.ts";
import { isFunction, isTypeOnly, rangeOf } from "../parse/nodes.ts";
import { forEachChild } from "../parse/walk.ts";
import type { MarkedFunction } from "./marked-function.ts";
import type { ScopeTree } from "./scope-tree.ts";

/** What the uses of `this` in a marked function are judged by. */
interface Surroundings {
  tree: ScopeTree;
  isMarked: (node: Node) => boolean;
  /** Whether instances of a class can be stored. */
  isStored: (node: Class) => boolean;
}

/**
 * The uses of `this`, `super` and the like that would mean something else, or nothing, in the process that runs the function. A step or
 * workflow that is not an arrow has its own `arguments`: those are the recorded ones. Steps inside a workflow are looked at on their own.
 * A step that is a method has the instance on which it is called, if instances of its class can be stored: `usesThis` says that it does.
 */
export function findReceiverUses(fn: MarkedFunction, { tree, isMarked, isStored }: Surroundings): Problem[] {
  const { node, kind, name } = fn;
  const problems: Problem[] = [];
  const isArrow = node.type === "ArrowFunctionExpression";
  const owner = classOf(fn, tree);
  const report = (at: Node, word: string): void => {
    const range = rangeOf(at);
    if (owner === null || (word !== "this" && word !== "super"))
      problems.push({ code: "USES_THIS", range, parameters: { kind, name, word } });
    else if (isStored(owner)) fn.usesThis = true;
    else problems.push({ code: "CLASS_NOT_STORED", range, parameters: { name, word } });
  };
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

/** The class to whose instances a step belongs, if its place in the class is found again. */
function classOf({ node, kind, placement }: MarkedFunction, tree: ScopeTree): Class | null {
  if (kind !== "step" || placement.kind !== "method" || node.type !== "ClassMethod" || node.static) return null;
  const body = tree.parentOf(node);
  const owner = body && tree.parentOf(body);
  return owner?.type === "ClassDeclaration" || owner?.type === "ClassExpression" ? owner : null;
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
