import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import path from "node:path";
import { type BuildResult, type Message, build } from "esbuild";
import { CompileError, type Diagnostic } from "../diagnose/diagnostic.ts";
import { compileFile } from "./compile-file.ts";
import { bundleConditions } from "./conditions.ts";
import { failureOf } from "./build-failure.ts";
import type { Bundle } from "./bundle.ts";
import { type BuildManifest, createBuildManifest, manifestOfFile } from "./build-manifest.ts";
import { createBundleModules } from "./bundle-modules.ts";
import { checkBundle } from "./check-bundle.ts";
import { findForeignState, findWorkflowCallsOfSteps } from "./check-modules.ts";
import { joinDeclarations } from "./join-declarations.ts";
import { shortenLabels } from "./module-labels.ts";
import { locateModule } from "./module-location.ts";
import { stepFilesOf } from "./step-files.ts";
import { ENTRY, workflowModules } from "./workflow-modules.ts";

/** How to bundle. */
export interface BundleOptions {
  /** Further export conditions under which packages resolve, beside `workflow`, `edge-light`, `browser` and `import`. */
  conditions?: readonly string[];
}

/** The bundles of a file. */
export interface BundledWorkflows {
  /** By the id of the workflow. */
  bundles: Record<string, Bundle>;
  /** The absolute paths of the files that were read: a change of any other file changes no bundle. */
  inputs: string[];
  /** The absolute paths of the files whose steps the workflows can call. */
  stepFiles: string[];
  /** The file's workflows with their graphs across all modules, its steps, and the steps of other files that the workflows may call. */
  manifest: BuildManifest;
  /** What is wrong with the workflows, beside what the host target's compilation of the file reports. */
  warnings: Diagnostic[];
}

/** What the first characters of a bundle say: which names there are on `__perdure`, and what they mean. */
const PROTOCOL = 1;
const OPEN = `/*perdure:${PROTOCOL}*/(function(__perdure){"use strict";`;

/**
 * Bundles every workflow of a file on its own. The same sources give the same text on every machine and from every directory; comments,
 * formatting and the bodies of steps do not count. Throws a `CompileError` when a file has mistakes, or when a workflow needs something
 * that only exists outside workflows.
 */
export async function bundleWorkflows(file: string, options: BundleOptions = {}): Promise<BundledWorkflows> {
  const { file: real, root } = locateModule(path.resolve(file));
  const { manifest } = compileFile(real);
  if (manifest.workflows.length === 0) {
    const own = createBuildManifest([{ workflows: [], steps: manifest.steps }]);
    return { bundles: {}, inputs: [real], stepFiles: [], manifest: own, warnings: [] };
  }
  const result = await build({
    entryPoints: manifest.workflows.map((_, index) => ({ in: `${ENTRY}:${index}`, out: String(index) })),
    absWorkingDir: root,
    outdir: root,
    write: false,
    metafile: true,
    bundle: true,
    format: "esm",
    platform: "neutral",
    mainFields: ["browser", "module", "main"],
    conditions: bundleConditions(options.conditions),
    target: "es2022",
    ...tsconfigAbove(path.dirname(real)),
    charset: "utf8",
    minifyWhitespace: true,
    minifySyntax: true,
    keepNames: false,
    legalComments: "none",
    treeShaking: true,
    define: { "process.env.NODE_ENV": '"production"' },
    banner: { js: OPEN },
    sourcemap: "external",
    sourcesContent: false,
    logLevel: "silent",
    plugins: [workflowModules(real)],
  }).catch((error: { errors?: Message[] }) => {
    throw failureOf(error, root, real);
  });

  const bundles: Record<string, Bundle> = {};
  const modules = createBundleModules(result.metafile, root);
  const problems = findWorkflowCallsOfSteps(modules);
  for (const [index, { id, name }] of manifest.workflows.entries()) {
    const bundle = finish(outputOf(result, root, index));
    problems.push(...checkBundle({ bundle, workflow: name, index, root, metafile: result.metafile }));
    problems.push(...findForeignState(bundle, { module: manifest.module, root }, modules));
    bundles[id] = bundle;
  }
  const errors = problems.filter(({ severity }) => severity === "error");
  if (errors.length > 0) throw new CompileError(errors);
  return {
    bundles,
    inputs: inputsOf(result, root),
    stepFiles: stepFilesOf(result.metafile, root),
    manifest: manifestOfFile(manifest, bundles, modules),
    warnings: inOrder(problems),
  };
}

/** esbuild forgets the tsconfig.json of a module that a plugin resolves, so the one of the workflow's file counts for all. */
function tsconfigAbove(folder: string): { tsconfig?: string } {
  const tsconfig = path.join(folder, "tsconfig.json");
  if (existsSync(tsconfig)) return { tsconfig };
  const outer = path.dirname(folder);
  return outer === folder ? {} : tsconfigAbove(outer);
}

/** In the order of the sources; what several workflows share once. */
function inOrder(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  const places = new Set<string>();
  const isNew = ({ code, filename, start }: Diagnostic) => {
    const { size } = places;
    return places.add(`${code}:${filename}:${start.line}:${start.column}`).size > size;
  };
  const byFile = (a: Diagnostic, b: Diagnostic) => (a.filename === b.filename ? 0 : a.filename < b.filename ? -1 : 1);
  return diagnostics.filter(isNew).sort((a, b) => byFile(a, b) || a.start.line - b.start.line || a.start.column - b.start.column);
}

function outputOf(result: BuildResult<{ write: false }>, root: string, index: number): { code: string; map: string } {
  const text = (name: string) => result.outputFiles.find((output) => output.path === path.join(root, name))?.text ?? "";
  return { code: text(`${index}.js`), map: text(`${index}.js.map`) };
}

/** Turns the module into a function expression: its one export becomes what the function returns. */
function finish(output: { code: string; map: string }): Bundle {
  const { code, map } = shortenLabels(output.code, output.map);
  const text = code.replace(/export\{([\w$\u0080-\uffff]+) as default\};\s*$/, "return $1})");
  const joined = joinDeclarations(text, map);
  return {
    version: createHash("sha256").update(joined.code).digest("hex"),
    code: joined.code,
    map: JSON.stringify(JSON.parse(joined.map)),
  };
}

function inputsOf({ metafile }: BuildResult<{ metafile: true }>, root: string): string[] {
  const names = Object.keys(metafile.inputs).filter((name) => !name.startsWith(`${ENTRY}:`));
  return names.map((name) => path.resolve(root, name)).sort();
}
