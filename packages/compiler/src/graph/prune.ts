import { type GraphNode, parts } from "./graph.ts";

/** Leaves out what has nothing to do with durable calls: the node itself, what is left of it, or nothing. */
export function withoutEmpty(node: GraphNode): GraphNode[] {
  switch (node.type) {
    case "branch":
      return node.arms.some(({ children }) => children.length > 0) ? [node] : [];
    case "loop":
      return hasContent(node.children) ? [node] : [];
    case "try":
      return hasContent([...node.block, ...(node.handler ?? []), ...(node.finalizer ?? [])]) ? [simplerTry(node)] : [];
    case "parallel":
      return simplerParallel(node);
    case "function":
    case "workflow":
    case "callback":
      return hasCalls(node.children) ? [node] : [];
    default:
      return [node];
  }
}

/** Whether there are durable calls or early ends among the nodes: a `break` of its own says nothing. */
function hasContent(nodes: readonly GraphNode[]): boolean {
  return hasCalls(nodes) || nodes.some((node) => node.type === "return" || node.type === "throw" || parts(node).some(hasContent));
}

function hasCalls(nodes: readonly GraphNode[]): boolean {
  return nodes.some((node) => {
    switch (node.type) {
      case "return":
      case "throw":
      case "break":
      case "continue":
        return false;
      case "branch":
      case "loop":
      case "try":
      case "parallel":
        return parts(node).some(hasCalls);
      default:
        return true;
    }
  });
}

function simplerTry(node: Extract<GraphNode, { type: "try" }>): GraphNode {
  const { finalizer, ...rest } = node;
  return finalizer === undefined || finalizer.length > 0 ? node : rest;
}

/** Branches without durable calls do not take time, and opening a hook neither: it is done before. */
function simplerParallel(node: Extract<GraphNode, { type: "parallel" }>): GraphNode[] {
  const opened = (branch: GraphNode[]) => branch.findIndex(({ type }) => type !== "hook");
  const hooks = node.branches.flatMap((branch) => branch.slice(0, opened(branch) < 0 ? branch.length : opened(branch)));
  const branches = node.branches.map((branch) => (opened(branch) < 0 ? [] : branch.slice(opened(branch)))).filter(hasCalls);
  const isTrivial = branches.length < (node.kind === "started" ? 2 : 1);
  return [...hooks, ...(isTrivial ? branches.flat() : [{ ...node, branches }])];
}
