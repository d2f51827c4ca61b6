import type { Analysis } from "./analyse/analyse.ts";
import { type ExportNames, exportNames } from "./analyse/exports.ts";
import type { MarkedFunction } from "./analyse/marked-function.ts";
import type { ScopeTree } from "./analyse/scope-tree.ts";
import { type Position, createPositionOf } from "./diagnose/position.ts";
import { buildGraph } from "./graph/build-graph.ts";
import type { WorkflowGraph } from "./graph/graph.ts";
import type { ModuleOutline } from "./graph/outline.ts";
import { emptyOutline, outlineKey, outlineModule } from "./graph/outline-module.ts";
import { type Modules, RUNTIME } from "./graph/resolve-value.ts";
import { type FunctionNode, isWrapper, rangeOf } from "./parse/nodes.ts";
import { type Signature, signatureOf } from "./signature/signature.ts";

/** A step or workflow of a module. */
export interface ManifestEntry {
  id: string;
  /** The declared name, the member's key, or `default`. */
  name: string;
  /** Where the function begins. */
  start: Position;
  /** The names under which the module exports the function itself, in source order; not those of an object that holds it. */
  exported: string[];
  /** For a step inside a workflow: the variables that it gets from there, in the order of the call. */
  captures: string[];
}

/** A step of a module. */
export interface StepEntry extends ManifestEntry {
  /** What a caller has to know: a run that keeps its old code calls the step as it was. */
  signature: Signature;
}

/** A workflow of a module. */
export interface WorkflowEntry extends ManifestEntry {
  /** The graph as far as it is known from the file alone: what is imported is a `call`. */
  graph: WorkflowGraph;
}

/** What a module declares, in source order. Outline and graphs are made when they are read first: a build of the host needs neither. */
export interface Manifest {
  /** The id of the module, the part of ids in front of `#`. */
  module: string;
  steps: StepEntry[];
  workflows: WorkflowEntry[];
  /** What the module's functions call and what it exports. Graphs that span modules are made of it; its form may change. */
  readonly outline: ModuleOutline;
}

/** The manifest of a module without marked functions. */
export function emptyManifest(module: string): Manifest {
  return { module, steps: [], workflows: [], outline: emptyOutline };
}

export function createManifest(module: string, code: string, analysis: Pick<Analysis, "file" | "tree" | "marked">): Manifest {
  const { file, tree, marked } = analysis;
  const positionOf = createPositionOf(code);
  const exports = exportNames(file.program);
  let outlined: ModuleOutline | null = null;
  const outline = () => (outlined ??= outlineModule(code, analysis));
  const modules: Modules = {
    outlineOf: (id) => (id === module ? outline() : null),
    resolve: (_, specifier) => (/^perdure(?:\/|$)/.test(specifier) ? RUNTIME : null),
  };
  const entryOf = ({ id, name, node, captures }: MarkedFunction): ManifestEntry => ({
    id,
    name,
    start: positionOf(rangeOf(node).start),
    exported: exportsOf(node, tree, exports),
    captures: captures.map((binding) => binding.name),
  });
  const workflowOf = (fn: MarkedFunction): WorkflowEntry => {
    const entry = entryOf(fn);
    let graph: WorkflowGraph | null = null;
    return {
      ...entry,
      get graph() {
        return (graph ??= buildGraph(module, outlineKey(entry.start), modules));
      },
    };
  };
  const steps = marked.filter(({ kind }) => kind === "step").map((fn): StepEntry => ({ ...entryOf(fn), signature: signatureOf(fn, code) }));
  const workflows = marked.filter(({ kind }) => kind === "workflow").map(workflowOf);
  return {
    module,
    steps,
    workflows,
    get outline() {
      return outline();
    },
  };
}

/** The names under which a function is exported: by its own declaration, by that of the variable whose value it is, or as the default. */
function exportsOf(node: FunctionNode, tree: ScopeTree, exports: ExportNames): string[] {
  let parent = tree.parentOf(node);
  while (parent !== null && isWrapper(parent)) parent = tree.parentOf(parent);
  const own = node.type === "FunctionDeclaration" ? node.id : null;
  if (parent?.type === "ExportDefaultDeclaration") return own ? [...(exports.get(own.name) ?? [])] : ["default"];
  const name = parent?.type === "VariableDeclarator" ? parent.id : own;
  if (name?.type !== "Identifier" || tree.module.bindings.get(name.name)?.identifier !== name) return [];
  return [...(exports.get(name.name) ?? [])];
}
