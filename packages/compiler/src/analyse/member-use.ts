import type { Node } from "@babel/types";
import { isWrapper } from "../parse/nodes.ts";
import type { ScopeTree } from "./scope-tree.ts";

/** What is around a use of a name: `name.a.b` in `name.a.b = 1`. */
export interface MemberUse {
  /** The outermost member expression on the name (casts and parentheses left out), or the name itself. */
  readonly value: Node;
  /** What holds that. */
  readonly parent: Node | null;
  readonly isMember: boolean;
}

/** Climbs from a name through the members that are read of it. */
export function memberUseOf(node: Node, tree: ScopeTree): MemberUse {
  let value = node;
  let parent = tree.parentOf(value);
  let isMember = false;
  while (parent !== null && (isWrapper(parent) || isObjectOf(value, parent))) {
    isMember ||= !isWrapper(parent);
    value = parent;
    parent = tree.parentOf(value);
  }
  return { value, parent, isMember };
}

/** Whether the node is what a member is read from: `node.x`. */
function isObjectOf(node: Node, parent: Node): boolean {
  return (parent.type === "MemberExpression" || parent.type === "OptionalMemberExpression") && parent.object === node;
}
