import { parts } from "./graph.ts";
import type { Outline, Value } from "./outline.ts";
import { type Bound, type Modules, type Target, resolveValue } from "./resolve-value.ts";

/** The ids of the steps that a function may call, directly or through others, in the order in which they are met. */
export function calledSteps(module: string, key: string, modules: Modules): string[] {
  const steps = new Set<string>();
  const seen = new Set<string>();
  const visitTarget = (target: Target | null): void => {
    switch (target?.is) {
      case "function": {
        const { marked, children } = target.outline;
        const at = `${target.module}:${target.key}`;
        if (marked?.kind === "step") steps.add(marked.id);
        else if (!seen.has(at)) {
          seen.add(at);
          for (const value of valuesIn(children)) visit({ value, module: target.module, parameters: new Map() });
        }
        return;
      }
      case "object":
        return Object.values(target.members).forEach(visit);
      case "either":
        return target.targets.forEach(visitTarget);
      case "result":
        visitTarget(target.of);
        return target.values.forEach((bound) => bound !== null && visit(bound));
      default:
        return;
    }
  };
  const visit = (bound: Bound) => visitTarget(resolveValue(bound, modules));
  visit({ value: { is: "function", key }, module, parameters: new Map() });
  return [...steps];
}

/** Every value that is called or given to a call. */
function valuesIn(nodes: readonly Outline[]): Value[] {
  return nodes.flatMap((node) =>
    node.type === "invoke" ? [node.callee, ...node.values].filter((value) => value !== null) : parts(node).flatMap(valuesIn),
  );
}
