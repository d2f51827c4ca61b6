import type { At } from "./kind.ts";
import { kindOfTag } from "./kinds.ts";
import { completionOrder, constantOf, isInstance, isTagged, referenceOf, type GraphNode, type Slot } from "./node.ts";

/** The value that `writeGraph` wrote. */
export function readGraph(text: string): unknown {
  // The first element is the slot of the value; the others have the indices by which they are referred to.
  const nodes = JSON.parse(text) as GraphNode[];
  const start = nodes[0] as unknown as Slot;
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
    // The node of a plain object becomes the object.
    values[index] = isTagged(node) ? kindOfTag(node[0]).create(node, at) : node;
    isMade[index] = true;
  };
  const complete = (index: number): void => {
    if (!isMade[index]) make(index);
    fill(nodes[index] as GraphNode, values[index], at);
  };
  const order = orderOf(nodes, start);
  if (order) order.forEach(complete);
  else for (let index = 1; index < nodes.length; index++) complete(index);
  return at(start);
}

/** In which order nodes must be completed; null where it does not matter, because there are no instances. */
function orderOf(nodes: readonly GraphNode[], start: Slot): number[] | null {
  const first = referenceOf(start);
  return first !== null && nodes.some(isInstance) ? completionOrder(nodes, first).order : null;
}

function fill(node: GraphNode, value: unknown, at: At): void {
  if (isTagged(node)) kindOfTag(node[0]).fill?.(value as never, node, at);
  else fillPlain(value as Record<string, unknown>, at);
}

/** All members are own properties, also one of the name `__proto__`: assignment changes them and nothing else. */
function fillPlain(value: Record<string, unknown>, at: At): void {
  for (const key of Object.keys(value)) {
    const slot = value[key];
    if (typeof slot === "object") value[key] = at(slot as Slot);
  }
}
