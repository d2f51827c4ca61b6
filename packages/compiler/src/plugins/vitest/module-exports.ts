import { readFileSync } from "node:fs";
import type { ExportNamedDeclaration, Program } from "@babel/types";
import { compileFile } from "../../bundle/compile-file.ts";
import { CompileError } from "../../diagnose/diagnostic.ts";
import { emptyManifest, type Manifest } from "../../manifest.ts";
import { mayHaveDirectives } from "../../parse/pre-filter.ts";
import { parse } from "../../parse/parse.ts";

/** What a module exports of steps and workflows, its own and those of modules that it re-exports. */
export interface ModuleExports {
  /** The ids of the steps, by export. */
  readonly steps: ReadonlyMap<string, string>;
  /** The ids of the file's own steps that are members of what it exports, by their path. */
  readonly members: ReadonlyMap<string, string>;
  /** Exports of which the workflow target has a version of its own (workflows, and objects that hold steps): the file that declares each, and its name there. */
  readonly others: ReadonlyMap<string, { readonly file: string; readonly name: string }>;
  readonly hasDefault: boolean;
  /** The files that were read. */
  readonly files: ReadonlySet<string>;
}

/** Finds the file of an import, or null where that is no module of the application. */
export type ResolveFile = (specifier: string, importer: string) => Promise<string | null>;

/** Reads what a file exports. Mistakes in it are not reported here: the file is compiled for its own sake too. */
export async function readModuleExports(file: string, resolve: ResolveFile, seen: ReadonlySet<string> = new Set()): Promise<ModuleExports> {
  const { manifest, links } = outlineOf(file);
  const steps = new Map(manifest.steps.flatMap(({ id, exported }) => exported.map((name) => [name, id] as const)));
  const members = membersOf(manifest, links.names);
  const holders = Array.from(members.keys(), (path) => path.slice(0, path.indexOf(".")));
  const own = new Set([...manifest.workflows.flatMap(({ exported }) => exported), ...holders]);
  const others = new Map(Array.from(own, (name) => [name, { file, name }] as const));
  const files = new Set([file]);
  for (const { source, names } of links.from) {
    const target = await resolve(source, file);
    if (target === null || target === file || seen.has(target)) continue;
    const found = await readModuleExports(target, resolve, new Set([...seen, file]));
    for (const name of found.files) files.add(name);
    const pairs =
      names ?? [...found.steps.keys(), ...found.others.keys()].filter((name) => name !== "default").map((name) => [name, name] as const);
    for (const [imported, exported] of pairs) {
      const step = found.steps.get(imported);
      const other = found.others.get(imported);
      if (step !== undefined && !steps.has(exported)) steps.set(exported, step);
      else if (other !== undefined && !others.has(exported)) others.set(exported, other);
    }
  }
  return { steps, members, others, hasDefault: links.names.has("default"), files };
}

/** Steps in exported objects and classes; the first part of such a step's path is the export. */
function membersOf({ steps }: Manifest, names: ReadonlySet<string>): Map<string, string> {
  const paths = steps.map(({ id }) => [id.slice(id.indexOf("#") + 1), id] as const);
  return new Map(paths.filter(([path]) => path.includes(".") && names.has(path.slice(0, path.indexOf(".")))));
}

interface Outline {
  readonly manifest: Manifest;
  readonly links: Links;
}

interface Links {
  /** All exported names that the module spells out. */
  readonly names: ReadonlySet<string>;
  /** What comes from other modules, as pairs of the name there and the name here; null for all of it. */
  readonly from: readonly { readonly source: string; readonly names: readonly (readonly [string, string])[] | null }[];
}

const outlines = new Map<string, { readonly code: string; readonly outline: Outline }>();

function outlineOf(file: string): Outline {
  const code = readFileSync(file, "utf8");
  const known = outlines.get(file);
  if (known?.code === code) return known.outline;
  const outline = { manifest: manifestOf(file, code), links: linksOf(file, code) };
  outlines.set(file, { code, outline });
  return outline;
}

function manifestOf(file: string, code: string): Manifest {
  if (!mayHaveDirectives(code)) return emptyManifest(file);
  try {
    return compileFile(file).manifest;
  } catch (error) {
    if (error instanceof CompileError) return emptyManifest(file);
    throw error;
  }
}

function linksOf(file: string, code: string): Links {
  const parsed = /\bexport\b/.test(code) ? parse(code, file) : null;
  if (!parsed?.ok) return { names: new Set(), from: [] };
  const { program } = parsed.file;
  const imports = importedNames(program);
  const names = new Set<string>();
  const from: { source: string; names: [string, string][] | null }[] = [];
  for (const statement of program.body) {
    if (statement.type === "ExportDefaultDeclaration") names.add("default");
    if (statement.type === "ExportAllDeclaration" && statement.exportKind !== "type")
      from.push({ source: statement.source.value, names: null });
    if (statement.type !== "ExportNamedDeclaration" || statement.exportKind === "type") continue;
    for (const [local, exported] of exportedPairs(statement)) {
      names.add(exported);
      const origin = statement.source ? { source: statement.source.value, name: local } : imports.get(local);
      if (origin) from.push({ source: origin.source, names: [[origin.name, exported]] });
    }
  }
  return { names, from };
}

/** The names that a statement exports, each with its name in the module. */
function exportedPairs({ declaration, specifiers }: ExportNamedDeclaration): [local: string, exported: string][] {
  const pairs: [string, string][] = [];
  if (declaration && "id" in declaration && declaration.id?.type === "Identifier") pairs.push([declaration.id.name, declaration.id.name]);
  if (declaration?.type === "VariableDeclaration") {
    for (const { id } of declaration.declarations) if (id.type === "Identifier") pairs.push([id.name, id.name]);
  }
  for (const specifier of specifiers) {
    if (specifier.type === "ExportSpecifier" && specifier.exportKind !== "type")
      pairs.push([specifier.local.name, nameOf(specifier.exported)]);
  }
  return pairs;
}

function importedNames(program: Program): Map<string, { source: string; name: string }> {
  const names = new Map<string, { source: string; name: string }>();
  for (const statement of program.body) {
    if (statement.type !== "ImportDeclaration" || statement.importKind === "type") continue;
    for (const specifier of statement.specifiers) {
      if (specifier.type === "ImportNamespaceSpecifier") continue;
      const name = specifier.type === "ImportDefaultSpecifier" ? "default" : nameOf(specifier.imported);
      names.set(specifier.local.name, { source: statement.source.value, name });
    }
  }
  return names;
}

const nameOf = (node: { type: "Identifier"; name: string } | { type: "StringLiteral"; value: string }): string =>
  node.type === "Identifier" ? node.name : node.value;
