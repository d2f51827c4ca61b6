import type { Node } from "@babel/types";
import { childKeys } from "./child-keys.ts";

/**
 * Calls `each` for the nodes directly below a node, types aside, in the order of the source. `context` is passed on, so that no function has
 * to be made for every node.
 */
export function forEachChild<C>(node: Node, each: (child: Node, parent: Node, context: C) => void, context: C): void {
  const properties = node as unknown as Record<string, unknown>;
  // A type of node that is not in the list is newer than it: look at everything.
  for (const key of childKeys[node.type] ?? Object.keys(node)) {
    const value = properties[key];
    if (typeof value !== "object" || value === null) continue;
    if (!Array.isArray(value)) {
      if (isNode(value)) each(value, node, context);
      continue;
    }
    for (const item of value) if (isNode(item)) each(item, node, context);
  }
}

/** The nodes directly below a node, types aside. */
export function children(node: Node): Node[] {
  const found: Node[] = [];
  forEachChild(node, (child) => void found.push(child), null);
  return found;
}

/** Calls `enter` for the node and everything below it; a node for which it returns false is not entered. */
export function walk(node: Node, enter: (node: Node, parent: Node | null) => boolean | void): void {
  const visit = (at: Node, parent: Node | null): void => {
    if (enter(at, parent) !== false) forEachChild(at, visit, null);
  };
  visit(node, null);
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && typeof (value as { type?: unknown }).type === "string";
}
