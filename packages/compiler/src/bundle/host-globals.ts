import type { Node, Program } from "@babel/types";
import { rangeOf } from "../parse/nodes.ts";
import { walk } from "../parse/walk.ts";
import { UNAVAILABLE } from "../transform/initialisers.ts";
import type { OriginalPlace, ParsedBundle } from "./parsed-bundle.ts";

const inStep = "Use it inside a step, or give the workflow the value as an argument.";
const sleep = 'Import `sleep` from "perdure" and await it: it is durable.';

/** The globals that workflow code does not have, and what to do without them. */
const hostGlobals: ReadonlyMap<string, string> = new Map([
  ["fetch", "Call it inside a step."],
  ["setImmediate", sleep],
  ["clearImmediate", sleep],
  ["require", "Import the module at the top of the file."],
  ["global", "Write `globalThis`."],
  ["WeakRef", "When objects are collected differs from replay to replay; keep the object itself."],
  ["FinalizationRegistry", "When objects are collected differs from replay to replay; clean up in a step."],
  ...[
    "process",
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
export interface HostGlobalUse extends OriginalPlace {
  kind: "global" | "unavailable";
  name: string;
  advice: string;
}

/**
 * What a finished bundle reads from its surroundings that is not there, in the application's own modules: libraries look whether a global
 * exists before they use it. So may the application: a name that a module tests with `typeof` is fine there.
 */
export function findHostGlobals({ program, tree, originalOf }: ParsedBundle): HostGlobalUse[] {
  const uses: HostGlobalUse[] = [];
  const tested = new Set<string>();
  for (const { node, binding } of tree.references) {
    if (binding !== undefined) continue;
    const parent = tree.parentOf(node);
    const name = node.name === "globalThis" ? memberName(node, parent) : node.name;
    const advice = name === UNAVAILABLE ? "" : hostGlobals.get(name);
    if (advice === undefined) continue;
    const place = originalOf(rangeOf(node).start);
    if (place === null || place.source.includes("node_modules/")) continue;
    if (parent?.type === "UnaryExpression" && parent.operator === "typeof") tested.add(`${place.source}:${name}`);
    else if (name === UNAVAILABLE) uses.push({ kind: "unavailable", name: argumentOf(parent), advice, ...place });
    else uses.push({ kind: "global", name, advice, ...place });
  }
  const used = uses.filter(({ name, source }) => !tested.has(`${source}:${name}`));
  const syntax = moduleSyntax(program).map(({ name, offset }): HostGlobalUse => {
    const place = originalOf(offset) ?? { source: "", line: 1, column: 0 };
    return { kind: "global", name, advice: inStep, ...place };
  });
  return [...used, ...syntax];
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

function memberName(node: Node, parent: Node | null): string {
  const isRead = parent?.type === "MemberExpression" && parent.object === node && !parent.computed && parent.property.type === "Identifier";
  return isRead && parent.property.type === "Identifier" ? parent.property.name : "";
}

function argumentOf(call: Node | null): string {
  const [first] = call?.type === "CallExpression" ? call.arguments : [];
  return first?.type === "StringLiteral" ? first.value : "";
}
