/**
 * The format `p`: one JSON array, whose first element is the slot of the value itself and whose others are nodes.
 *
 * A slot is a string, a boolean, null, a finite number, or a list of one number: the index of a node, or below zero one of {@link constants}. Nothing else in a node is a
 * list, so that what a node refers to can be found without knowing its kind. A node is an object (a plain object, member by member) or a list that begins with the tag of
 * its kind. Nodes may refer to each other in any way; an object that is met twice is one node.
 */
export type Slot = string | number | boolean | null | readonly [number];

export type NodePart = Slot | Readonly<Record<string, Slot>>;
export type TaggedNode = readonly [tag: string, ...parts: NodePart[]];
export type GraphNode = TaggedNode | Readonly<Record<string, Slot>>;

/** Values that JSON lacks; the slot of each is minus its index, less one. */
const constants: readonly unknown[] = [undefined, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0];

/** The slot of a value that needs no node; undefined if it needs one. */
export function slotOf(value: unknown): Slot | undefined {
  switch (typeof value) {
    case "string":
    case "boolean":
      return value;
    case "number":
      if (Number.isFinite(value) && !Object.is(value, -0)) return value;
      break;
    case "undefined":
      break;
    default:
      return value === null ? null : undefined;
  }
  return [-constants.findIndex((constant) => Object.is(constant, value)) - 1];
}

export function constantOf(index: number): unknown {
  return constants[-index - 1];
}

/** Whether a part of a node refers to another node, and to which. */
export function referenceOf(part: NodePart | undefined): number | null {
  return Array.isArray(part) && part[0] > 0 ? (part[0] as number) : null;
}

/** The nodes to which a node refers. */
function referencesOf(node: GraphNode): number[] {
  const parts: readonly NodePart[] = isTagged(node) ? node : Object.values(node);
  const slots = parts.flatMap((part) => (isMembers(part) ? Object.values(part) : [part as Slot]));
  return slots.map(referenceOf).filter((reference) => reference !== null);
}

export function isTagged(node: GraphNode): node is TaggedNode {
  return Array.isArray(node);
}

function isMembers(part: NodePart | undefined): part is Readonly<Record<string, Slot>> {
  return typeof part === "object" && part !== null && !Array.isArray(part);
}

/** True for nodes that can be made only after those to which they refer: instances of classes. */
export function isInstance(node: GraphNode): boolean {
  return isTagged(node) && node[0] === "C";
}

/**
 * The order in which nodes can be completed, each after those to which it refers; where they form a circle, containers may be completed before what they hold.
 * @returns `stuck`: a class instance that cannot be made, for what it is made of holds it
 */
export function completionOrder(nodes: readonly (GraphNode | undefined)[], start: number): { order: number[]; stuck: number | null } {
  const order: number[] = [];
  const state = new Map<number, "open" | "done">();
  const stack: { index: number; rest: number[] }[] = [];
  const enter = (index: number): void => {
    const node = nodes[index];
    if (!node) throw new TypeError(`Not a Perdure value: it has no node ${index}.`);
    state.set(index, "open");
    stack.push({ index, rest: referencesOf(node) });
  };
  enter(start);
  for (let top = stack.at(-1); top; top = stack.at(-1)) {
    const next = top.rest.shift();
    if (next === undefined) {
      stack.pop();
      state.set(top.index, "done");
      order.push(top.index);
      continue;
    }
    const known = state.get(next);
    const node = nodes[next];
    if (known === "open" && node && isInstance(node)) return { order, stuck: next };
    if (!known) enter(next);
  }
  return { order, stuck: null };
}
