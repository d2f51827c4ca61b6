import type { ImportDeclaration, Node } from "@babel/types";
import type { Binding } from "../analyse/scope.ts";
import { rangeOf } from "../parse/nodes.ts";
import { type Editor, findToken } from "./editor.ts";

/**
 * Imports, in source text, of the modules from which only removed code imports something. TypeScript would leave out such an import, and
 * with it the steps that the module registers.
 */
export function keepsLoading(editor: Editor, isRemoved: (node: Node) => boolean): string[] {
  const sources = new Map<string, string>();
  for (const declaration of importsOf(editor)) {
    const bindings = valueBindings(editor, declaration);
    const uses = bindings.flatMap(({ references }) => references);
    if (uses.length === 0 || uses.some(({ node }) => !isRemoved(node))) continue;
    const { start, end } = rangeOf(declaration.source);
    const tail = editor.code.slice(end, rangeOf(declaration).end).replace(/;\s*$/, "");
    sources.set(declaration.source.value, `import ${editor.code.slice(start, end)}${tail};`);
  }
  return [...sources.values()];
}

/** Removes the imports whose names only removed code uses. Imports of types, and those that nothing uses, are the next tool's business. */
export function removeUnusedImports(editor: Editor, isRemoved: (node: Node) => boolean): void {
  for (const declaration of importsOf(editor)) {
    const dead = new Set(
      valueBindings(editor, declaration)
        .filter(({ references }) => references.length > 0 && references.every(({ node }) => isRemoved(node)))
        .map(({ declaration: specifier }) => specifier),
    );
    if (dead.size > 0) removeSpecifiers(editor, declaration, dead);
  }
}

function removeSpecifiers(editor: Editor, declaration: ImportDeclaration, dead: ReadonlySet<Node>): void {
  const { text } = editor;
  const live = declaration.specifiers.filter((specifier) => !dead.has(specifier));
  const { start, end } = rangeOf(declaration);
  if (live.length === 0) return void text.remove(start, end);
  const [first] = declaration.specifiers;
  const named = declaration.specifiers.filter((specifier) => specifier.type === "ImportSpecifier");
  const liveNamed = named.filter((specifier) => !dead.has(specifier));
  if (first?.type === "ImportDefaultSpecifier" && dead.has(first)) {
    const next = declaration.specifiers[1];
    const rest = next?.type === "ImportSpecifier" ? findToken(editor, "{", rangeOf(first).end) : rangeOf(next ?? first).start;
    text.remove(rangeOf(first).start, rest);
  }
  if (first?.type === "ImportDefaultSpecifier" && live.length === 1 && live[0] === first) {
    const last = declaration.specifiers.at(-1) ?? first;
    const clauseEnd = last.type === "ImportSpecifier" ? findToken(editor, "}", rangeOf(last).end) + 1 : rangeOf(last).end;
    return void text.remove(rangeOf(first).end, clauseEnd);
  }
  removeFromList(editor, named, liveNamed);
}

/** Removes the dead members of a list with one comma each. */
function removeFromList({ text }: Editor, all: readonly Node[], live: readonly Node[]): void {
  for (const [index, specifier] of all.entries()) {
    if (live.includes(specifier)) continue;
    const next = all[index + 1];
    const lastLive = live.findLast((other) => rangeOf(other).end <= rangeOf(specifier).start);
    if (next) text.remove(rangeOf(specifier).start, rangeOf(next).start);
    else text.remove(rangeOf(lastLive ?? specifier).end, rangeOf(specifier).end);
  }
}

function importsOf({ analysis }: Editor): ImportDeclaration[] {
  return analysis.file.program.body.filter((statement) => statement.type === "ImportDeclaration");
}

function valueBindings({ analysis }: Editor, declaration: ImportDeclaration): Binding[] {
  const { bindings } = analysis.tree.module;
  return declaration.specifiers.flatMap((specifier) => {
    const binding = bindings.get(specifier.local.name);
    return binding?.declaration === specifier ? [binding] : [];
  });
}
