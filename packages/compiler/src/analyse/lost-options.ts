import type { Node } from "@babel/types";
import type { Problem } from "../diagnose/diagnostic.ts";
import { rangeOf } from "../parse/nodes.ts";
import type { MarkedFunction } from "./marked-function.ts";
import { climb } from "./placement.ts";
import type { Binding } from "./scope.ts";
import type { ScopeTree } from "./scope-tree.ts";

const members = new Set(["maxRetries", "options"]);

/**
 * The places where options are put on the function of a step that moves out of its place: attempts call another function, made anew from what it captures.
 */
export function findLostOptions(bindings: ReadonlyMap<Binding, MarkedFunction>, tree: ScopeTree): Problem[] {
  const problems: Problem[] = [];
  for (const [{ references }, { kind, placement, name }] of bindings) {
    if (kind !== "step" || placement.kind !== "closure") continue;
    for (const { node } of references) {
      const member = assignedMember(node, tree);
      if (member !== null) problems.push({ code: "STEP_OPTIONS_LOST", range: rangeOf(node), parameters: { name, member } });
    }
  }
  return problems;
}

/** What is assigned to a function of a given name by `name.member = …`, also to a part of it, or by `Object.assign(name, …)`; null for any other use. */
function assignedMember(node: Node, tree: ScopeTree): string | null {
  const [value, parent] = climb(node, tree);
  if (parent?.type === "CallExpression") return parent.arguments[0] === value && isObjectAssign(parent.callee) ? "properties" : null;
  if (parent?.type !== "MemberExpression" || parent.object !== value || parent.computed || parent.property.type !== "Identifier")
    return null;
  const { name } = parent.property;
  if (!members.has(name)) return null;
  let target: Node = parent;
  let holder = tree.parentOf(target);
  while (holder?.type === "MemberExpression" && holder.object === target) {
    target = holder;
    holder = tree.parentOf(target);
  }
  return holder?.type === "AssignmentExpression" && holder.left === target ? name : null;
}

function isObjectAssign(callee: Node): boolean {
  if (callee.type !== "MemberExpression" || callee.computed || callee.property.type !== "Identifier") return false;
  return callee.object.type === "Identifier" && callee.object.name === "Object" && callee.property.name === "assign";
}
