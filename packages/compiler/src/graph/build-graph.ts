import { type Branch, type Callback, type Expanded, type GraphNode, type Loop, type Parallel } from "./graph.ts";
import { type Place, type Try, type WorkflowGraph, parts } from "./graph.ts";
import type { Await, Invoke, Outline } from "./outline.ts";
import { type Bound, type Modules, type Parameters, type Target, resolveValue } from "./resolve-value.ts";
import { isHook, runtimeCall, withoutOptions } from "./runtime-calls.ts";
import { withoutEmpty } from "./prune.ts";

/** Functions are shown where they are called until the graph has that many nodes; from then on only named. */
const MAX_NODES = 2000;

/** The graph of a workflow, by the key of its function in the module's outline. */
export function buildGraph(module: string, key: string, modules: Modules): WorkflowGraph {
  const outline = modules.outlineOf(module)?.functions[key];
  if (outline === undefined) return { graph: 1, children: [] };
  const around = new Set([`${module}:${key}`]);
  const children = new GraphBuilder(module, modules).nodes(outline.children, { module, parameters: new Map(), around });
  return { graph: 1, children };
}

/** Where the builder is. */
interface Frame {
  module: string;
  parameters: Parameters;
  /** The functions that are being shown around this place. */
  around: ReadonlySet<string>;
}

class GraphBuilder {
  readonly #root: string;
  readonly #modules: Modules;
  #count = 0;

  constructor(root: string, modules: Modules) {
    this.#root = root;
    this.#modules = modules;
  }

  nodes(outlines: readonly Outline[], frame: Frame): GraphNode[] {
    return outlines.flatMap((outline) => this.#node(outline, frame)).flatMap(withoutEmpty);
  }

  #node(outline: Outline, frame: Frame): GraphNode[] {
    this.#count++;
    const place = this.#place(outline, frame);
    switch (outline.type) {
      case "invoke":
        return this.#invoke(outline, frame);
      case "await":
        return this.#await(outline, frame);
      case "branch": {
        const arms = outline.arms.map(({ label, children }) => ({ label, children: this.nodes(children, frame) }));
        return [{ ...outline, arms, ...place } satisfies Branch<unknown> as GraphNode];
      }
      case "loop":
        return [{ ...outline, children: this.nodes(outline.children, frame), ...place } satisfies Loop<unknown> as GraphNode];
      case "parallel": {
        const branches = outline.branches.map((branch) => this.nodes(branch, frame));
        return [{ ...outline, branches, ...place } satisfies Parallel<unknown> as GraphNode];
      }
      case "try":
        return [
          {
            type: "try",
            block: this.nodes(outline.block, frame),
            ...(outline.handler ? { handler: this.nodes(outline.handler, frame) } : {}),
            ...(outline.finalizer ? { finalizer: this.nodes(outline.finalizer, frame) } : {}),
            ...place,
          } satisfies Try<unknown> as GraphNode,
        ];
      default:
        return [{ ...outline, ...place }];
    }
  }

  #place({ line, column }: Place, { module }: Frame): Place {
    return module === this.#root ? { line, column } : { line, column, file: module };
  }

  #await({ value, label, ...place }: Await, frame: Frame): GraphNode[] {
    return isHook(this.#resolve({ value, ...frame })) ? [{ type: "receive", label, ...this.#place(place, frame) }] : [];
  }

  #resolve({ value, module, parameters }: Bound): Target | null {
    return resolveValue({ value, module, parameters }, this.#modules);
  }

  #invoke(call: Invoke, frame: Frame): GraphNode[] {
    const { module, parameters } = frame;
    const given = call.values.map((value): Bound | null => (value === null ? null : { value, module, parameters }));
    const target = call.callee === null ? null : this.#resolve({ value: call.callee, module, parameters });
    return this.#call(target, given, call, frame);
  }

  #call(target: Target | null, given: readonly (Bound | null)[], call: Invoke, frame: Frame): GraphNode[] {
    const place = this.#place(call, frame);
    const detached = call.detached === true ? ({ detached: true } as const) : {};
    switch (target?.is) {
      case "function":
        return this.#function(target, given, call, frame);
      case "runtime": {
        const type = runtimeCall(target.name);
        if (type === null) return [];
        const name = type === "operation" ? { name: target.name } : {};
        const node = { type, ...name, label: call.label, ...(type === "hook" ? {} : detached), ...place } as GraphNode;
        return [node, ...this.#callback(given, call.name, call, frame)];
      }
      case "result": {
        const wrapped = withoutOptions(target)?.values[0];
        if (wrapped) return this.#call(this.#resolve(wrapped), given, call, frame);
        return this.#callback([...target.values, ...given], target.name, call, frame);
      }
      case "either": {
        const arms = target.targets.map((item) => ({ label: nameOf(item), children: this.#call(item, given, call, frame) }));
        return [{ type: "branch", kind: "choice", label: target.label, arms, ...place }];
      }
      case "import": {
        const { from, imported, members } = target;
        return [{ type: "call", from, imported, members, ...place }, ...this.#callback(given, call.name, call, frame)];
      }
      default:
        return this.#callback(given, call.name, call, frame);
    }
  }

  #function(target: Extract<Target, { is: "function" }>, given: readonly (Bound | null)[], call: Invoke, frame: Frame): GraphNode[] {
    const { module, key, outline } = target;
    const { marked } = outline;
    const place = this.#place(call, frame);
    const name = outline.name ?? "(anonymous)";
    if (marked?.kind === "step") {
      const detached = call.detached === true ? ({ detached: true } as const) : {};
      return [{ type: "step", id: marked.id, name, ...detached, ...place }];
    }
    const at = `${module}:${key}`;
    const id = marked?.id ?? at;
    if (frame.around.has(at) || this.#count > MAX_NODES) return [{ type: "ref", id, name, ...place }];
    const parameters = new Map([...target.parameters, [at, given]]);
    const children = this.nodes(outline.children, { module, parameters, around: new Set([...frame.around, at]) });
    if (outline.name === null && (call.inPlace === true || !children.some(mayReturn))) return children;
    return [{ type: marked === undefined ? "function" : "workflow", id, name, children, ...place } satisfies Expanded];
  }

  /** What functions do that are given to one that is not known. */
  #callback(given: readonly (Bound | null)[], name: string, call: Invoke, frame: Frame): GraphNode[] {
    const children = given.flatMap((bound) => (bound === null ? [] : this.#passed(this.#resolve(bound), call, frame)));
    return [{ type: "callback", name, children: children.flatMap(withoutEmpty), ...this.#place(call, frame) } satisfies Callback];
  }

  #passed(target: Target | null, call: Invoke, frame: Frame): GraphNode[] {
    switch (target?.is) {
      case "function":
        return this.#function(target, [], { ...call, detached: false, inPlace: true }, frame);
      case "object":
        return Object.values(target.members).flatMap((member) => this.#passed(this.#resolve(member), call, frame));
      case "either":
        return target.targets.flatMap((item) => this.#passed(item, call, frame));
      case "result": {
        const wrapped = withoutOptions(target)?.values[0];
        return wrapped ? this.#passed(this.#resolve(wrapped), call, frame) : [];
      }
      default:
        return [];
    }
  }
}

/** Whether there is a `return` that would seem to end what surrounds the node. */
function mayReturn(node: GraphNode): boolean {
  return node.type === "return" || parts(node).some((nodes) => nodes.some(mayReturn));
}

function nameOf(target: Target): string {
  switch (target.is) {
    case "function":
      return target.outline.name ?? "(anonymous)";
    case "runtime":
    case "result":
      return target.name;
    case "import":
      return [target.imported, ...target.members].join(".");
    default:
      return "";
  }
}
