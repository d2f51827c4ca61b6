import type { File, Node, Program } from "@babel/types";
import type { Problem } from "../diagnose/diagnostic.ts";
import { type FunctionNode, type Range, isFunction, rangeOf } from "../parse/nodes.ts";
import { findCaptures, findWorkflowCaptures } from "./captures.ts";
import { type DirectiveSites, findDirectiveSites } from "./directive-sites.ts";
import { exportNames } from "./exports.ts";
import { applyFileDirective } from "./file-directive.ts";
import { PathNames } from "./ids.ts";
import type { MarkedFunction } from "./marked-function.ts";
import { findLostOptions } from "./lost-options.ts";
import { findModuleState } from "./module-state.ts";
import { climb, isProblem, placementOf, workflowAround } from "./placement.ts";
import { type Reach, findReach } from "./reach.ts";
import { findPrivateNames, findReceiverUses } from "./receiver.ts";
import type { Binding } from "./scope.ts";
import { type ScopeTree, buildScopeTree } from "./scope-tree.ts";
import { type StoredClass, findStoredClasses } from "./stored-classes.ts";
import { findUnavailable } from "./top-level-await.ts";
import { findWorkflowCalls } from "./workflow-calls.ts";

/** Everything that is known about a module. The transforms only print it. */
export interface Analysis {
  file: File;
  tree: ScopeTree;
  sites: DirectiveSites;
  /** In source order; a workflow comes before the steps inside it. */
  marked: MarkedFunction[];
  /** The parts of the source that the workflow target leaves out: parameters and bodies of steps. */
  stepRanges: Range[];
  reach: Reach;
  /** The classes whose instances can be stored. */
  storedClasses: StoredClass[];
  problems: Problem[];
}

/** Finds the steps and workflows of a parsed module, gives them ids, and collects every mistake. */
export function analyse(file: File, moduleId: string): Analysis {
  const tree = buildScopeTree(file.program);
  const sites = findDirectiveSites(file, tree);
  applyFileDirective(file.program, sites, tree.module);
  const problems = sites.problems;
  const paths = new PathNames(exportNames(file.program), tree);
  const marked = findMarked(sites, tree, { paths, moduleId, problems });
  const storedClasses = findStoredClasses(tree, paths, moduleId, problems);
  const stored = new Set(storedClasses.map(({ node }) => node));
  const isCommon = marked.length + storedClasses.length > 0 && isCommonJs(file.program, tree);
  if (marked.length > 0 && isCommon) {
    problems.push({ code: "COMMONJS_MODULE", range: rangeOf(marked[0]?.directives[0]?.value ?? file), parameters: {} });
  }
  const isMarked = (node: Node) => isFunction(node) && sites.functions.has(node);
  for (const fn of marked) {
    problems.push(...findReceiverUses(fn, { tree, isMarked, isStored: (node) => stored.has(node) }));
    const movesOut = fn.kind === "workflow" || fn.placement.kind === "closure";
    if (movesOut && tree.hasPrivateNames) problems.push(...findPrivateNames(fn));
    if (fn.kind === "workflow") problems.push(...findWorkflowCaptures(fn, tree));
    else if (fn.placement.kind === "closure") fn.captures = findCaptures(fn, tree, problems);
  }
  const bindings = markedBindings(marked, tree);
  for (const [binding, { kind, name }] of bindings) {
    for (const { access, node } of binding.references) {
      if (access !== "read") problems.push({ code: "MARKED_REASSIGNED", range: rangeOf(node), parameters: { kind, name } });
    }
  }
  problems.push(...findLostOptions(bindings, tree));
  const stepRanges = marked.filter(({ kind }) => kind === "step").map(({ node }) => bodyRange(node));
  const roots = marked.filter(({ kind }) => kind === "workflow").map(({ node }) => rangeOf(node));
  const reach = findReach(file.program, tree, { roots, removed: stepRanges, marked: new Set(bindings.keys()) });
  problems.push(...findUnavailable(file.program, reach));
  problems.push(...findModuleState({ tree, marked, stepRanges, reach }), ...findWorkflowCalls(marked, tree));
  return { file, tree, sites, marked, stepRanges, reach, storedClasses: isCommon ? [] : storedClasses, problems };
}

/** What ids are made of, and where mistakes go. */
interface Naming {
  paths: PathNames;
  moduleId: string;
  problems: Problem[];
}

function findMarked(sites: DirectiveSites, tree: ScopeTree, { paths, moduleId, problems }: Naming): MarkedFunction[] {
  const inSourceOrder = [...sites.functions].sort(([a], [b]) => rangeOf(a).start - rangeOf(b).start);
  return inSourceOrder.flatMap(([node, { kind, directives }]): MarkedFunction[] => {
    const placement = placementOf(node, kind, tree, sites.functions);
    if (isProblem(placement)) {
      problems.push(placement);
      return [];
    }
    const { path, name } = paths.add(node, { kind, moduleId }, problems);
    const workflow = kind === "step" ? workflowAround(node, tree, sites.functions) : null;
    return [{ kind, node, directives, placement, workflow, name, path, id: `${moduleId}#${path}`, captures: [], usesThis: false }];
  });
}

/** Whether a file certainly is CommonJS: an `import` cannot be added to it. */
function isCommonJs({ sourceType, body }: Program, tree: ScopeTree): boolean {
  if (sourceType === "script" || body.some(({ type }) => type === "TSExportAssignment")) return true;
  if (body.some(({ type }) => /^(?:Import|Export|TSImportEquals|TSExport)/.test(type))) return false;
  return tree.references.some(({ node, binding }) => binding === undefined && /^(?:module|exports|require)$/.test(node.name));
}

/** The parameters and the body of a function, and its type parameters: everything but its name. */
function bodyRange(node: FunctionNode): Range {
  const { start, end } = rangeOf(node);
  if ("id" in node && node.id) return { start: rangeOf(node.id).end, end };
  if ("key" in node) return { start: rangeOf(node.key).end, end };
  return { start, end };
}

/** The variables that hold a step or workflow itself. */
function markedBindings(marked: readonly MarkedFunction[], tree: ScopeTree): Map<Binding, MarkedFunction> {
  const bindings = new Map<Binding, MarkedFunction>();
  for (const fn of marked) {
    const { node } = fn;
    const [, parent] = climb(node, tree);
    const declaration = node.type === "FunctionDeclaration" ? node : parent?.type === "VariableDeclarator" ? parent : null;
    const id = declaration?.id;
    if (declaration === null || id?.type !== "Identifier") continue;
    const scope = tree.scopeOf(node)?.parent;
    const binding = scope?.lookup(id.name);
    if (binding?.declaration === declaration && !bindings.has(binding)) bindings.set(binding, fn);
  }
  return bindings;
}
