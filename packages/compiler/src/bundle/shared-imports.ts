/**
 * Between the two parts of a bundle: the code of runs imports from the modules that are shared, as esbuild left it after tree shaking, and becomes
 * code that takes what it imports from `__shared`.
 */
import type { CallExpression, ImportDeclaration, Node } from "@babel/types";
import { memberUseOf } from "../analyse/member-use.ts";
import { type ScopeTree, buildScopeTree } from "../analyse/scope-tree.ts";
import { rangeOf } from "../parse/nodes.ts";
import { parse } from "../parse/parse.ts";
import { replaceParts } from "./replace-parts.ts";
import type { SharedPackage, SharedPackages } from "./shared-packages.ts";
import { parseSharedPath } from "./workflow-modules.ts";

/** Something that the code of runs uses of a shared module. */
export interface SharedValue {
  readonly file: string;
  /** The name of the export; null for the module's namespace. */
  readonly name: string | null;
  /** The members of the namespace that are used, in order; null for all. */
  readonly members: readonly string[] | null;
}

/** A use of something that keeps state, so that the package cannot be shared with other runs. */
export interface StateUse {
  readonly packageName: string;
  readonly name: string;
}

export interface TakenImports {
  readonly code: string;
  readonly map: string;
  /** Each once; the code finds them as `$0`, `$1` … of `__shared`. */
  readonly values: readonly SharedValue[];
  readonly state: readonly StateUse[];
}

/** Takes the imports of shared modules out of an output of esbuild. What has none stays as it is. */
export function takeSharedImports(code: string, map: string, shared: SharedPackages): TakenImports {
  const none = { code, map, values: [], state: [] };
  if (!code.includes("perdure-shared:")) return none;
  // The first line is the head of a function, which no module can have around its imports.
  const head = code.indexOf("\n");
  const parsed = parse(" ".repeat(head) + code.slice(head), "bundle.mjs");
  if (!parsed.ok) return none;
  const { program } = parsed.file;
  const tree = buildScopeTree(program);
  const statements = program.body.filter((statement) => statement.type === "ImportDeclaration");
  const keys: string[] = [];
  const state: StateUse[] = [];
  const taken: string[] = [];
  const parts = statements.flatMap((statement) => {
    const found = parseSharedPath(statement.source.value);
    if (found === null) return [];
    const { file } = found;
    const owner = shared.find(file);
    for (const { local, name } of namesIn(statement)) {
      const uses = usesOf(local, tree);
      // esbuild keeps all names of an import of which one is used.
      if (uses.length === 0) continue;
      if (owner !== null) state.push(...stateUses(owner, name, uses));
      const value: SharedValue = { file, name, members: name === null ? membersOf(uses) : null };
      const key = JSON.stringify(value);
      if (!keys.includes(key)) keys.push(key);
      taken.push(`$${keys.indexOf(key)}:${local}`);
    }
    const { start, end } = rangeOf(statement);
    return [{ start, length: end - start, text: "" }];
  });
  const opening = { start: head + 1, length: 0, text: taken.length === 0 ? "" : `const{${taken.join(",")}}=__shared;` };
  return { ...replaceParts(code, map, [opening, ...parts]), values: keys.map((key) => JSON.parse(key) as SharedValue), state };
}

function namesIn({ specifiers }: ImportDeclaration): { local: string; name: string | null }[] {
  return specifiers.map((specifier) => {
    const local = specifier.local.name;
    if (specifier.type === "ImportDefaultSpecifier") return { local, name: "default" };
    if (specifier.type === "ImportNamespaceSpecifier") return { local, name: null };
    const { imported } = specifier;
    return { local, name: imported.type === "Identifier" ? imported.name : imported.value };
  });
}

/** One use of an import: the members that are read of it, from the outside in, and whether it is written to. */
interface Use {
  /** Null where a member's name is computed. */
  readonly members: readonly (string | null)[];
  readonly isWrite: boolean;
}

function usesOf(local: string, tree: ScopeTree): Use[] {
  const references = tree.module.bindings.get(local)?.references ?? [];
  return references.map(({ node }) => {
    const { value, parent } = memberUseOf(node, tree);
    const members: (string | null)[] = [];
    for (let inner: Node = node; inner !== value;) {
      const outer = tree.parentOf(inner);
      if (outer === null) break;
      if (outer.type === "MemberExpression" || outer.type === "OptionalMemberExpression")
        members.push(nameOf(outer.property, outer.computed));
      inner = outer;
    }
    const patterns = parent?.type === "VariableDeclarator" && parent.id.type === "ObjectPattern" ? parent.id.properties : [];
    const destructured = patterns.map((property) => (property.type === "ObjectProperty" ? nameOf(property.key, property.computed) : null));
    return { members: destructured.length > 0 ? [...members, null, ...destructured] : members, isWrite: isWritten(value, parent) };
  });
}

function nameOf(key: Node, computed: boolean): string | null {
  if (key.type === "Identifier" && !computed) return key.name;
  return key.type === "StringLiteral" ? key.value : null;
}

function isWritten(value: Node, parent: Node | null): boolean {
  if (parent?.type === "AssignmentExpression") return parent.left === value;
  if (parent?.type === "UpdateExpression") return true;
  if (parent?.type === "UnaryExpression") return parent.operator === "delete";
  return parent?.type === "CallExpression" && parent.arguments[0] === value && isDefinition(parent);
}

/** `Object.assign(…)` and the like. */
function isDefinition({ callee }: CallExpression): boolean {
  if (callee.type !== "MemberExpression" || callee.object.type !== "Identifier" || callee.property.type !== "Identifier") return false;
  return (
    /^(?:Object|Reflect)$/.test(callee.object.name) && /^(?:assign|definePropert|setPrototypeOf|set$|delete)/.test(callee.property.name)
  );
}

function stateUses({ name: packageName, state }: SharedPackage, imported: string | null, uses: readonly Use[]): StateUse[] {
  const names = [imported, ...uses.flatMap(({ members }) => members)].filter((name) => name !== null && state.includes(name));
  const writes = uses.filter(({ isWrite }) => isWrite).map(({ members }) => members.join(".") || (imported ?? "it"));
  return [...names, ...writes].map((name) => ({ packageName, name: name ?? "" }));
}

/** The members of a namespace, if nothing but them is used. */
function membersOf(uses: readonly Use[]): string[] | null {
  const names = new Set<string>();
  for (const { members } of uses) {
    const [first] = members;
    if (first === undefined || first === null) return null;
    names.add(first);
  }
  return [...names].sort();
}

/** The entry of the shared part: exports what the code of runs uses, as `$0`, `$1` … */
export function sharedEntry(values: readonly SharedValue[]): string {
  const lines = values.map(({ file, name, members }, index) => {
    const from = `from ${JSON.stringify(file)};`;
    if (name !== null) return `export { ${JSON.stringify(name)} as $${index} } ${from}`;
    if (members === null) return `export * as $${index} ${from}`;
    const properties = members.map((member) => `${JSON.stringify(member)}: m${index}[${JSON.stringify(member)}]`);
    return `import * as m${index} ${from}\nexport const $${index} = Object.freeze({ ${properties.join(", ")} });`;
  });
  return lines.join("\n");
}
