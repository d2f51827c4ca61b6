import { TraceMap, eachMapping } from "@jridgewell/trace-mapping";
import path from "node:path";
import type { Diagnostic } from "../diagnose/diagnostic.ts";
import { type Place, parts } from "../graph/graph.ts";
import type { Invoke, ModuleOutline, Outline, StateOutline } from "../graph/outline.ts";
import { resolveValue } from "../graph/resolve-value.ts";
import type { Bundle } from "./bundle.ts";
import type { BundleModules } from "./bundle-modules.ts";
import { diagnosticIn, offsetOf } from "./source-diagnostic.ts";

/** The steps of all modules that call a workflow of another module like a function. Within one module, its compilation finds them. */
export function findWorkflowCallsOfSteps(modules: BundleModules): Diagnostic[] {
  return modules.manifests.flatMap(({ module, outline }) => {
    const steps = Object.values(outline.functions).filter(({ marked }) => marked?.kind === "step");
    return steps.flatMap(({ name: step, children }) =>
      callsIn(children, outline).flatMap(({ callee, name, ...place }) => {
        const target = callee === null ? null : resolveValue({ value: callee, module, parameters: new Map() }, modules);
        if (target?.is !== "function" || target.outline.marked?.kind !== "workflow" || target.module === module) return [];
        const parameters = { step: step ?? "", workflow: target.outline.name ?? "" };
        return [
          diagnosticIn(modules.fileOf(module), (source) => {
            const start = startOf(source, place);
            return { code: "STEP_CALLS_WORKFLOW", range: { start, end: start + name.length }, parameters };
          }),
        ];
      }),
    );
  });
}

/** The calls that a function makes itself, or in functions that it gives to others. */
function callsIn(nodes: readonly Outline[], module: ModuleOutline): Invoke[] {
  return nodes.flatMap((node): Invoke[] => {
    if (node.type !== "invoke") return parts(node).flatMap((part) => callsIn(part, module));
    const inside = [node.callee, ...node.values].map((value) => (value?.is === "function" ? module.functions[value.key] : undefined));
    return [node, ...inside.flatMap((fn) => (fn !== undefined && fn.name === null ? callsIn(fn.children, module) : []))];
  });
}

/**
 * The variables of other modules that are in a bundle while what changes them is not: it is in a step, or the host's. Within the workflow's
 * own module, its compilation finds them.
 */
export function findForeignState(
  { map }: Bundle,
  { module: own, root }: { module: string; root: string },
  modules: BundleModules,
): Diagnostic[] {
  const places = new Set<string>();
  eachMapping(new TraceMap(map), ({ source, originalLine, originalColumn }) => {
    if (source !== null) places.add(`${path.resolve(root, source)}:${originalLine}:${(originalColumn ?? 0) + 1}`);
  });
  return modules.manifests.flatMap(({ module, outline }) => {
    if (module === own) return [];
    const file = modules.fileOf(module);
    const isBundled = ({ line, column }: Place) => places.has(`${file}:${line}:${column}`);
    return outline.state.filter(isBundled).flatMap((state: StateOutline) => {
      const write = state.writes.find((place) => !isBundled(place));
      if (write === undefined) return [];
      const parameters = { variable: state.name, writer: write.writer };
      return [
        diagnosticIn(file, (source) => {
          const start = startOf(source, state);
          return { code: "MODULE_STATE", range: { start, end: start + state.name.length }, parameters };
        }),
      ];
    });
  });
}

const startOf = (source: string, { line, column }: Place): number => offsetOf(source, { line, column: column - 1 });
