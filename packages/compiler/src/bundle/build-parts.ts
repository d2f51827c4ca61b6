/**
 * The builds behind the bundles of a file. First the code of runs, in which modules of shared packages are external imports; what is left of these after
 * tree shaking is the entry of a second build, the shared part. Each workflow has its own: its version changes with nothing that it does not reach.
 */
import { existsSync } from "node:fs";
import path from "node:path";
import type { BuildOptions, BuildResult, Metafile } from "esbuild";
import { esbuild } from "../required.ts";
import { bundleConditions } from "./conditions.ts";
import { type SharedValue, type StateUse, sharedEntry, takeSharedImports } from "./shared-imports.ts";
import type { SharedPackages } from "./shared-packages.ts";
import { ENTRY, parseSharedPath, workflowModules } from "./workflow-modules.ts";

/** An output of esbuild. */
export interface Output {
  readonly code: string;
  readonly map: string;
}

/** What the bundle of one workflow is made of. */
export interface BuiltParts {
  /** The code of runs. */
  readonly main: Output;
  /** Null when the workflow uses no shared package. */
  readonly shared: Output | null;
  /** Why packages that could be shared are not. */
  readonly state: readonly StateUse[];
}

/** The parts of all workflows of a file, and what esbuild says of the modules in them, as if it had been one build. */
export interface FileParts {
  readonly parts: readonly BuiltParts[];
  /** Its outputs are named by `mainOutput` and `sharedOutput`. */
  readonly metafile: Metafile;
}

export interface PartsInput {
  readonly file: string;
  readonly root: string;
  /** How many workflows the file has. */
  readonly count: number;
  readonly conditions: readonly string[] | undefined;
  readonly packages: SharedPackages;
}

/** How each part begins. */
const HEAD = `(function(__perdure){"use strict";`;

export const mainOutput = (index: number): string => `${index}.js`;
export const sharedOutput = (index: number): string => `shared-${index}.js`;

/** Workflows that are built together, because they share the same packages. */
interface Batch {
  readonly indexes: readonly number[];
  readonly packages: SharedPackages;
  readonly state: readonly StateUse[];
}

interface Built {
  readonly parts: BuiltParts[];
  readonly metafile: Metafile;
}

/** Builds the parts of every workflow of a file. Rejects with what esbuild says. */
export async function buildParts(input: PartsInput): Promise<FileParts> {
  const built: Built = { parts: [], metafile: { inputs: {}, outputs: {} } };
  const batches: Batch[] = [{ indexes: Array.from({ length: input.count }, (_, index) => index), packages: input.packages, state: [] }];
  for (let batch = batches.pop(); batch !== undefined; batch = batches.pop()) batches.push(...(await buildBatch(input, batch, built)));
  return built;
}

/** Builds a batch. Returns the workflows that must be built again with other shared packages, because of what their code turned out to be. */
async function buildBatch(input: PartsInput, batch: Batch, { parts, metafile }: Built): Promise<Batch[]> {
  const main = await buildMain(input, batch.indexes, batch.packages);
  const again: Batch[] = [];
  const taken = batch.indexes.flatMap((index) => {
    const output = outputOf(main, input.root, mainOutput(index));
    const one = { index, ...takeSharedImports(output.code, output.map, batch.packages) };
    if (one.state.length === 0) return [one];
    const packages = batch.packages.withLess(one.state.map(({ packageName }) => packageName));
    again.push({ indexes: [index], packages, state: [...batch.state, ...one.state] });
    return [];
  });
  const shared = await buildShared(input, batch.indexes, new Map(taken.map(({ index, values }) => [index, values])));
  for (const result of [main, shared]) addInputs(result?.metafile, metafile, input.root);
  for (const { index, code, map, values } of taken) {
    const modules = main.metafile.outputs[mainOutput(index)];
    const sharedModules = shared?.metafile.outputs[sharedOutput(index)];
    const more = packagesOfBoth(modules, sharedModules, input.root, batch.packages);
    if (more.length > 0) {
      again.push({ ...batch, indexes: [index], packages: batch.packages.withMore(more) });
      continue;
    }
    if (modules) metafile.outputs[mainOutput(index)] = withoutShared(modules);
    if (sharedModules) metafile.outputs[sharedOutput(index)] = sharedModules;
    const isShared = shared !== null && values.length > 0;
    parts[index] = { main: { code, map }, shared: isShared ? outputOf(shared, input.root, sharedOutput(index)) : null, state: batch.state };
  }
  return again;
}

type Result = BuildResult<{ write: false; metafile: true }>;

function buildMain(input: PartsInput, indexes: readonly number[], packages: SharedPackages | null): Promise<Result> {
  const contentsOf = (index: string) => `export { $perdure${index} as default } from ${JSON.stringify(`./${path.basename(input.file)}`)};`;
  const entryPoints = indexes.map((index) => ({ in: `${ENTRY}:${index}`, out: String(index) }));
  const folder = path.dirname(input.file);
  const modules = workflowModules({ contentsOf, folder, isShared: (file) => packages !== null && packages.find(file) !== null });
  return run(input, { entryPoints, plugins: [modules] });
}

/** Null where no workflow uses shared packages. */
async function buildShared(
  input: PartsInput,
  indexes: readonly number[],
  values: ReadonlyMap<number, readonly SharedValue[]>,
): Promise<Result | null> {
  const used = [...values].filter(([, list]) => list.length > 0);
  if (used.length === 0) return null;
  const contentsOf = (entry: string) => sharedEntry(values.get(Number(entry.replace("shared-", ""))) ?? []);
  const entryPoints = used.map(([index]) => ({ in: `${ENTRY}:shared-${index}`, out: `shared-${index}` }));
  const modules = workflowModules({ contentsOf, folder: path.dirname(input.file), isShared: () => false });
  try {
    return await run(input, { entryPoints, plugins: [modules] });
  } catch (error) {
    // It is at fault with an import of the application: one build of all modules knows its place.
    await buildMain(input, indexes, null);
    throw error;
  }
}

function run(input: PartsInput, options: Pick<BuildOptions, "entryPoints" | "plugins">): Promise<Result> {
  return esbuild().build({
    ...options,
    absWorkingDir: input.root,
    outdir: input.root,
    write: false,
    metafile: true,
    bundle: true,
    format: "esm",
    platform: "neutral",
    mainFields: ["browser", "module", "main"],
    conditions: bundleConditions(input.conditions),
    target: "es2022",
    ...tsconfigAbove(path.dirname(input.file)),
    charset: "utf8",
    minifyWhitespace: true,
    minifySyntax: true,
    keepNames: false,
    legalComments: "none",
    treeShaking: true,
    define: { "process.env.NODE_ENV": '"production"' },
    banner: { js: HEAD },
    sourcemap: "external",
    sourcesContent: false,
    logLevel: "silent",
  });
}

/** esbuild forgets the tsconfig.json of a module that a plugin resolves, so the one of the workflow's file counts for all. */
function tsconfigAbove(folder: string): { tsconfig?: string } {
  const tsconfig = path.join(folder, "tsconfig.json");
  if (existsSync(tsconfig)) return { tsconfig };
  const outer = path.dirname(folder);
  return outer === folder ? {} : tsconfigAbove(outer);
}

function outputOf(result: Result, root: string, name: string): Output {
  const text = (file: string) => result.outputFiles.find((output) => output.path === path.join(root, file))?.text ?? "";
  return { code: text(name), map: text(`${name}.map`) };
}

type Modules = Metafile["outputs"][string];

/** Packages with modules in both parts, which would be there twice: what a shared package imports is shared. */
function packagesOfBoth(main: Modules | undefined, shared: Modules | undefined, root: string, packages: SharedPackages): string[] {
  const namesIn = (modules: Modules | undefined) =>
    Object.keys(modules?.inputs ?? {}).flatMap((name) =>
      name.startsWith(`${ENTRY}:`) ? [] : (packages.undecided(path.resolve(root, name)) ?? []),
    );
  const names = new Set(namesIn(shared));
  return names.size === 0 ? [] : [...new Set(namesIn(main))].filter((name) => names.has(name));
}

/** Adds the modules of a build, with its imports of shared modules as if these were in it. */
function addInputs(from: Metafile | undefined, to: Metafile, root: string): void {
  for (const [name, input] of Object.entries(from?.inputs ?? {})) {
    if (name.startsWith(`${ENTRY}:shared-`)) continue;
    const imports = input.imports.map((one) => {
      const found = parseSharedPath(one.path);
      if (found === null) return one;
      return { path: path.relative(root, found.file).split(path.sep).join("/"), kind: one.kind, original: found.specifier };
    });
    to.inputs[name] = { ...input, imports };
  }
}

function withoutShared(modules: Modules): Modules {
  return { ...modules, imports: modules.imports.filter((one) => parseSharedPath(one.path) === null) };
}
