import type { Node } from "@babel/types";
import { childKeys } from "./child-keys.ts";

/** The nodes directly below a node, types aside. */
export function children(node: Node): Node[] {
  const found: Node[] = [];
  const properties = node as unknown as Record<string, unknown>;
  // A type of node that is not in the list is newer than it: look at everything.
  for (const key of childKeys[node.type] ?? Object.keys(node)) {
    const value = properties[key];
    if (typeof value !== "object" || value === null) continue;
    if (Array.isArray(value)) {
      for (const item of value) if (isNode(item)) found.push(item);
    } else if (isNode(value)) found.push(value);
  }
  return found;
}

/** Calls `enter` for the node and everything below it; a node for which it returns false is not entered. */
export function walk(node: Node, enter: (node: Node, parent: Node | null) => boolean | void, parent: Node | null = null): void {
  if (enter(node, parent) === false) return;
  for (const child of children(node)) walk(child, enter, node);
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && typeof (value as { type?: unknown }).type === "string";
}
