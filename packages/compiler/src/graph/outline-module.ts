import type { Comment, File, Node } from "@babel/types";
import { exportNames } from "../analyse/exports.ts";
import type { MarkedFunction } from "../analyse/marked-function.ts";
import { lateWrites, writerOf } from "../analyse/module-state.ts";
import { nameOf } from "../analyse/names.ts";
import type { ScopeTree } from "../analyse/scope-tree.ts";
import { type Position, createPositionOf } from "../diagnose/position.ts";
import { type FunctionNode, isTypeOnly, rangeOf } from "../parse/nodes.ts";
import { children } from "../parse/walk.ts";
import type { OutlineSource } from "./expression-outliner.ts";
import type { FunctionOutline, ModuleOutline, StateOutline, Value } from "./outline.ts";
import { StatementOutliner } from "./statement-outliner.ts";
import { ValueReader } from "./value-reader.ts";

/** A module as analysed. */
export interface OutlineInput {
  file: File;
  tree: ScopeTree;
  marked: readonly MarkedFunction[];
}

/** The outline of a module that does nothing for workflows. */
export const emptyOutline: ModuleOutline = { functions: {}, exports: {}, stars: [], state: [] };

/** The key of the function that begins at a place. */
export function outlineKey({ line, column }: Position): string {
  return `${line}:${column}`;
}

/** The outline of a module: of its steps and workflows, of what it exports, and of what these call. */
export function outlineModule(code: string, { file, tree, marked }: OutlineInput): ModuleOutline {
  const positionOf = createPositionOf(code);
  const placeOf = (node: Node) => positionOf(rangeOf(node).start);
  const functions = new Map<string, FunctionNode>();
  const marks = new Map(marked.map((fn) => [fn.node, fn]));
  const keyOf = (node: FunctionNode) => {
    if (!marks.has(node) && !hasCall(node)) return null;
    const key = outlineKey(placeOf(node));
    functions.set(key, node);
    return key;
  };
  const source: OutlineSource = { tree, keyOf, placeOf, textOf: (node) => labelOf(node, code, file.comments ?? []) };
  const values = new ValueReader(source);
  const statements = new StatementOutliner(source, values);

  const outline: ModuleOutline = { functions: {}, ...exportsOf(file, tree, values), state: stateOf({ tree, marked }, placeOf) };
  for (const { node } of marked) keyOf(node);
  // Outlining a function finds others: the map grows meanwhile.
  for (const [key, node] of functions) {
    const mark = marks.get(node);
    const name = mark?.name ?? nameOf(node, tree);
    outline.functions[key] = {
      name: name === "(anonymous)" ? null : name,
      ...(mark ? { marked: { kind: mark.kind, id: mark.id } } : {}),
      children: statements.body(node),
      ...placeOf(node),
    } satisfies FunctionOutline;
  }
  return outline;
}

function stateOf({ tree, marked }: Omit<OutlineInput, "file">, placeOf: (node: Node) => Position): StateOutline[] {
  return [...tree.module.bindings.values()].flatMap((binding) => {
    const writes = lateWrites(binding, tree).map((write) => ({ writer: writerOf(write, marked, tree), ...placeOf(write.node) }));
    return writes.length === 0 ? [] : [{ name: binding.name, writes, ...placeOf(binding.identifier) }];
  });
}

function exportsOf({ program }: File, tree: ScopeTree, values: ValueReader): Pick<ModuleOutline, "exports" | "stars"> {
  const exports: Record<string, Value> = {};
  const stars: string[] = [];
  const add = (name: string, value: Value | null) => {
    if (value !== null) exports[name] = value;
  };
  for (const [local, names] of exportNames(program)) {
    const binding = tree.module.bindings.get(local);
    for (const name of names) add(name, binding === undefined ? null : values.ofBinding(binding));
  }
  for (const statement of program.body) {
    if (statement.type === "ExportAllDeclaration" && statement.exportKind !== "type") stars.push(statement.source.value);
    if (statement.type === "ExportDefaultDeclaration" && !isTypeOnly(statement.declaration)) {
      exports["default"] ??= values.valueOf(statement.declaration) ?? { is: "object", members: {} };
    }
    if (statement.type !== "ExportNamedDeclaration") continue;
    if (statement.declaration?.type === "ClassDeclaration" && statement.declaration.id) {
      add(statement.declaration.id.name, values.valueOf(statement.declaration));
    }
    if (!statement.source || statement.exportKind === "type") continue;
    const from = statement.source.value;
    for (const specifier of statement.specifiers) {
      const { exported } = specifier;
      const name = exported.type === "Identifier" ? exported.name : exported.value;
      const imported =
        specifier.type === "ExportSpecifier"
          ? importedName(specifier.local)
          : specifier.type === "ExportDefaultSpecifier"
            ? "default"
            : "*";
      add(name, { is: "import", from, imported, members: [] });
    }
  }
  return { exports, stars };
}

/** In `export { "a b" as c } from`, Babel gives the left name as a string. */
function importedName(local: Node): string {
  return local.type === "Identifier" ? local.name : local.type === "StringLiteral" ? local.value : "";
}

function hasCall(node: Node): boolean {
  return /^(?:Optional)?CallExpression$|^NewExpression$/.test(node.type) || children(node).some(hasCall);
}

const MAX_LABEL = 100;

/** The source of a node without comments, on one line and not too long. */
function labelOf(node: Node, code: string, comments: readonly Comment[]): string {
  let { start, end } = rangeOf(node);
  let text = "";
  for (const comment of comments) {
    if ((comment.start ?? 0) < start || (comment.end ?? 0) > end) continue;
    text += `${code.slice(start, comment.start)} `;
    start = comment.end ?? start;
  }
  const line = (text + code.slice(start, end)).replace(/\s+/g, " ").trim();
  return line.length <= MAX_LABEL ? line : `${line.slice(0, MAX_LABEL - 1)}…`;
}
