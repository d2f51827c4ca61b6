import type { Node, Program } from "@babel/types";
import { TraceMap, originalPositionFor } from "@jridgewell/trace-mapping";
import { buildScopeTree } from "../analyse/scope-tree.ts";
import { rangeOf } from "../parse/nodes.ts";
import { parse } from "../parse/parse.ts";
import { walk } from "../parse/walk.ts";
import { UNAVAILABLE } from "../transform/initialisers.ts";
import type { Bundle } from "./bundle.ts";

const inStep = "Use it inside a step, or give the workflow the value as an argument.";
const sleep = 'Import `sleep` from "perdure" and await it: it is durable.';

/** The globals that workflow code does not have, and what to do without them. */
const hostGlobals: ReadonlyMap<string, string> = new Map([
  ["fetch", "Call it inside a step."],
  ["setTimeout", sleep],
  ["setInterval", `Use a loop. ${sleep}`],
  ["setImmediate", sleep],
  ["clearTimeout", sleep],
  ["clearInterval", sleep],
  ["clearImmediate", sleep],
  ["require", "Import the module at the top of the file."],
  ["global", "Write `globalThis`."],
  ["WeakRef", "When objects are collected differs from replay to replay; keep the object itself."],
  ["FinalizationRegistry", "When objects are collected differs from replay to replay; clean up in a step."],
  ...[
    "process",
    "Buffer",
    "module",
    "exports",
    "__dirname",
    "__filename",
    "Bun",
    "Deno",
    "XMLHttpRequest",
    "WebSocket",
    "EventSource",
    "Worker",
    "SharedWorker",
    "MessageChannel",
    "BroadcastChannel",
    "SharedArrayBuffer",
    "Atomics",
    "WebAssembly",
    "navigator",
    "window",
    "document",
    "localStorage",
    "sessionStorage",
    "indexedDB",
    "caches",
  ].map((name) => [name, inStep] as const),
]);

/** A use of a global in a bundle, at its place in the source. */
export interface HostGlobalUse {
  kind: "global" | "unavailable" | "await";
  name: string;
  advice: string;
  /** The path in the source map; columns count from 0. */
  source: string;
  line: number;
  column: number;
}

/**
 * What a finished bundle reads from its surroundings that is not there, in the application's own modules: libraries look whether a global
 * exists before they use it. So may the application: a name that a module tests with `typeof` is fine there. A bundle that does not even
 * parse as a function has a top-level `await`.
 */
export function findHostGlobals({ code, map }: Bundle): HostGlobalUse[] {
  const parsed = parse(code, "bundle.cjs");
  const trace = new TraceMap(map);
  const placeOf = placeFinder(code);
  if (!parsed.ok) {
    return [{ ...useAt(trace, placeOf(parsed.offset)), kind: "await", name: "await", advice: "" }];
  }
  const { program } = parsed.file;
  const tree = buildScopeTree(program);
  const uses: HostGlobalUse[] = [];
  const tested = new Set<string>();
  for (const { node, binding } of tree.references) {
    if (binding !== undefined) continue;
    const parent = tree.parentOf(node);
    const name = node.name === "globalThis" ? memberName(node, parent) : node.name;
    const advice = name === UNAVAILABLE ? "" : hostGlobals.get(name);
    if (advice === undefined) continue;
    const { source, line, column } = originalPositionFor(trace, placeOf(rangeOf(node).start));
    if (source === null || source.includes("node_modules/")) continue;
    if (parent?.type === "UnaryExpression" && parent.operator === "typeof") tested.add(`${source}:${name}`);
    else if (name === UNAVAILABLE) uses.push({ kind: "unavailable", name: argumentOf(parent), advice, source, line, column });
    else uses.push({ kind: "global", name, advice, source, line, column });
  }
  const used = uses.filter(({ name, source }) => !tested.has(`${source}:${name}`));
  return [
    ...used,
    ...moduleSyntax(program).map(({ name, offset }) => ({
      ...useAt(trace, placeOf(offset)),
      kind: "global" as const,
      name,
      advice: inStep,
    })),
  ];
}

/** What only modules can do, and the text of a bundle is none: also libraries cannot do without. */
function moduleSyntax(program: Program): { name: string; offset: number }[] {
  const found: { name: string; offset: number }[] = [];
  walk(program, (node) => {
    const name =
      node.type === "ImportExpression" ? "import()" : node.type === "MetaProperty" && node.meta.name === "import" ? "import.meta" : null;
    if (name !== null) found.push({ name, offset: rangeOf(node).start });
  });
  return found;
}

function useAt(trace: TraceMap, place: { line: number; column: number }): { source: string; line: number; column: number } {
  const { source, line, column } = originalPositionFor(trace, place);
  return { source: source ?? "", line: line ?? 1, column: column ?? 0 };
}

function memberName(node: Node, parent: Node | null): string {
  const isRead = parent?.type === "MemberExpression" && parent.object === node && !parent.computed && parent.property.type === "Identifier";
  return isRead && parent.property.type === "Identifier" ? parent.property.name : "";
}

function argumentOf(call: Node | null): string {
  const [first] = call?.type === "CallExpression" ? call.arguments : [];
  return first?.type === "StringLiteral" ? first.value : "";
}

/** Offsets to lines (from 1) and columns (from 0), by the starts of lines: a bundle has few lines. */
function placeFinder(code: string): (offset: number) => { line: number; column: number } {
  const starts = [0];
  for (let index = code.indexOf("\n"); index >= 0; index = code.indexOf("\n", index + 1)) starts.push(index + 1);
  return (offset) => {
    const line = starts.findLastIndex((start) => start <= offset);
    return { line: line + 1, column: offset - (starts[line] ?? 0) };
  };
}
