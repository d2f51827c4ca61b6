import type { Problem } from "../diagnose/diagnostic.ts";
import { ValueReader } from "../graph/value-reader.ts";
import { type FunctionNode, rangeOf } from "../parse/nodes.ts";
import { walk } from "../parse/walk.ts";
import type { MarkedFunction } from "./marked-function.ts";
import type { ScopeTree } from "./scope-tree.ts";

/** The places where a step calls a workflow of the module like a function, also through members and other names. */
export function findWorkflowCalls(marked: readonly MarkedFunction[], tree: ScopeTree): Problem[] {
  const keyOf = (node: FunctionNode) => String(rangeOf(node).start);
  const workflows = new Map(marked.filter(({ kind }) => kind === "workflow").map((fn) => [keyOf(fn.node), fn]));
  if (workflows.size === 0) return [];
  const values = new ValueReader({ tree, keyOf, textOf: () => "" });
  const problems: Problem[] = [];
  for (const { kind, node, name: step } of marked) {
    if (kind !== "step") continue;
    walk(node, (call) => {
      if (call.type !== "CallExpression" && call.type !== "OptionalCallExpression") return;
      const value = values.valueOf(call.callee);
      const workflow = value?.is === "function" ? workflows.get(value.key)?.name : undefined;
      if (workflow !== undefined)
        problems.push({ code: "STEP_CALLS_WORKFLOW", range: rangeOf(call.callee), parameters: { step, workflow } });
    });
  }
  return problems;
}
