import { fillMembers } from "./data-kinds.ts";
import type { At } from "./kind.ts";
import { kindOfTag } from "./kinds.ts";
import { completionOrder, constantOf, isInstance, isTagged, referenceOf, type GraphNode, type NodePart, type Slot } from "./node.ts";

/** The value that `writeGraph` wrote. */
export function readGraph(text: string): unknown {
  const [start, ...nodes] = JSON.parse(text) as [Slot, ...GraphNode[]];
  nodes.unshift({});
  const values: unknown[] = [];
  const isMade: boolean[] = [];
  const at: At = (part) => {
    if (!Array.isArray(part)) return part;
    const reference = referenceOf(part);
    if (reference === null) return constantOf(part[0] as number);
    if (!isMade[reference]) make(reference);
    return values[reference];
  };
  const make = (index: number): void => {
    const node = nodes[index];
    if (!node) throw new TypeError(`Not a Perdure value: it has no node ${index}.`);
    values[index] = isTagged(node) ? kindOfTag(node[0]).create(node, at) : {};
    isMade[index] = true;
  };
  for (const index of orderOf(nodes, start)) {
    if (!isMade[index]) make(index);
    fill(nodes[index] as GraphNode, values[index], at);
  }
  return at(start);
}

/** Only instances depend on it that what they hold is complete. */
function orderOf(nodes: readonly GraphNode[], start: Slot): number[] {
  const first = referenceOf(start);
  if (first === null || !nodes.some(isInstance)) return nodes.map((_, index) => index).slice(1);
  return completionOrder(nodes, first).order;
}

function fill(node: GraphNode, value: unknown, at: At): void {
  if (isTagged(node)) kindOfTag(node[0]).fill?.(value as never, node, at);
  else fillMembers(value as object, node as NodePart, at);
}
