import { decode, encode } from "./index.ts";

/**
 * Whether two texts are of the same value: of the same kinds, parts and order. The stacks of errors do not count, which are other ones wherever the code is not the same to the
 * letter, and neither does it that one was written by a former version of the codec.
 */
export function isSameValue(one: string, other: string): boolean {
  return one === other || withoutStacks(one) === withoutStacks(other) || withoutStacks(rewritten(one)) === withoutStacks(rewritten(other));
}

/** As it would be written now; what cannot be read or written here (a stream, say) stays as it is. */
function rewritten(text: string): string {
  try {
    return encode(decode(text), "value");
  } catch {
    return text;
  }
}

/** Where the stacks are in the nodes of a graph, by their tags. */
const stackAt: Readonly<Record<string, number>> = { E: 4, X: 3 };

function withoutStacks(text: string): string {
  if (!text.startsWith("p")) return text;
  const nodes = JSON.parse(text.slice(1)) as unknown[];
  for (const node of nodes) {
    const at = Array.isArray(node) ? stackAt[String(node[0])] : undefined;
    if (at !== undefined) (node as unknown[])[at] = "";
  }
  return `p${JSON.stringify(nodes)}`;
}
