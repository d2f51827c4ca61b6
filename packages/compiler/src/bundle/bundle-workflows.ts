import path from "node:path";
import type { Message, Metafile } from "esbuild";
import { CompileError, type Diagnostic } from "../diagnose/diagnostic.ts";
import { compileFile } from "./compile-file.ts";
import { failureOf } from "./build-failure.ts";
import type { Bundle } from "./bundle.ts";
import { type BuildManifest, createBuildManifest, manifestOfFile } from "./build-manifest.ts";
import { type Output, buildParts } from "./build-parts.ts";
import { createBundleModules } from "./bundle-modules.ts";
import { checkBundle } from "./check-bundle.ts";
import { findForeignState, findWorkflowCallsOfSteps } from "./check-modules.ts";
import { findHeavyPackages } from "./heavy-packages.ts";
import { joinDeclarations } from "./join-declarations.ts";
import { joinParts } from "./join-parts.ts";
import { shortenLabels } from "./module-labels.ts";
import { locateModule } from "./module-location.ts";
import { createSharedPackages } from "./shared-packages.ts";
import { signBundles } from "./sign-bundles.ts";
import { stepFilesOf } from "./step-files.ts";
import { ENTRY } from "./workflow-modules.ts";

/** How to bundle. */
export interface BundleOptions {
  /** Further export conditions under which packages resolve, beside `workflow`, `edge-light`, `browser` and `import`. */
  conditions?: readonly string[];
  /**
   * Packages whose modules are evaluated once per process and shared by all runs, beside those of the default list (docs/sandbox.md): names, `@scope/*`
   * for all of a scope; `!name` takes one off. They must keep no state between calls.
   */
  shared?: readonly string[];
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
  const packages = createSharedPackages(options.shared ?? [], root);
  const input = { file: real, root, count: manifest.workflows.length, conditions: options.conditions, packages };
  const { parts, metafile } = await buildParts(input).catch((error: { errors?: Message[] }) => {
    throw failureOf(error, root, real);
  });

  const bundles: Record<string, Bundle> = {};
  const modules = createBundleModules(metafile, root);
  const problems = findWorkflowCallsOfSteps(modules);
  for (const [index, { id, name }] of manifest.workflows.entries()) {
    const part = parts[index];
    if (part === undefined) continue;
    const [main, shared] = [finish(part.main), part.shared && finishShared(part.shared)];
    const bundle = joinParts(main, shared);
    problems.push(...checkBundle({ main, shared, workflow: name, index, root, metafile }));
    problems.push(...findForeignState(bundle, { module: manifest.module, root }, modules));
    problems.push(...findHeavyPackages({ workflow: name, index, root, metafile, state: part.state }));
    bundles[id] = bundle;
  }
  const errors = problems.filter(({ severity }) => severity === "error");
  if (errors.length > 0) throw new CompileError(errors);
  const built = manifestOfFile(manifest, bundles, modules);
  return {
    bundles: signBundles(bundles, built),
    inputs: inputsOf(metafile, root),
    stepFiles: stepFilesOf(metafile, root),
    manifest: built,
    warnings: inOrder(problems),
  };
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

/** Turns the module of a run's code into a function expression: its one export becomes what the function returns. */
function finish(output: Output): Output {
  const { code, map } = shortenLabels(output.code, output.map);
  const text = code.replace(/export\{([\w$\u0080-\uffff]+) as default\};\s*$/, "return $1})");
  return joinDeclarations(text, map);
}

/** The same for a shared part, which returns an object of its exports. What is left out of its modules is nothing that a step could change. */
function finishShared(output: Output): Output {
  const { code, map } = shortenLabels(output.code, output.map);
  const object = (names: string): string => names.replace(/([^,\s]+) as (\$\d+)/g, "$2:$1");
  return { code: code.replace(/export\{([^{}]*)\};\s*$/, (_, names: string) => `return{${object(names)}}})`), map };
}

function inputsOf(metafile: Metafile, root: string): string[] {
  const names = Object.keys(metafile.inputs).filter((name) => !name.startsWith(`${ENTRY}:`));
  return names.map((name) => path.resolve(root, name)).sort();
}
