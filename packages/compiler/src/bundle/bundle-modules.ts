import { existsSync } from "node:fs";
import path from "node:path";
import type { Metafile } from "esbuild";
import { CompileError } from "../diagnose/diagnostic.ts";
import type { ModuleOutline } from "../graph/outline.ts";
import { type Modules, RUNTIME } from "../graph/resolve-value.ts";
import type { Manifest } from "../manifest.ts";
import { compileFile, isCompiled } from "./compile-file.ts";
import { locateModule } from "./module-location.ts";
import { ENTRY } from "./workflow-modules.ts";

/** The modules that went into the bundles of a file, and those that their steps import, by their ids. */
export interface BundleModules extends Modules {
  /** Of the compiled modules that went into the bundles, in the order of their paths. */
  readonly manifests: readonly Manifest[];
  /** The file of a module. */
  fileOf(module: string): string;
}

export function createBundleModules({ inputs }: Metafile, root: string): BundleModules {
  const files = new Map<string, string>();
  const names = new Map<string, string>();
  for (const name of Object.keys(inputs).sort()) {
    if (name.startsWith(`${ENTRY}:`)) continue;
    const file = path.resolve(root, name);
    const { id } = locateModule(file);
    files.set(id, file);
    names.set(id, name);
  }
  const manifests = [...files.values()].filter(isCompiled).map((file) => compileFile(file).manifest);
  const outlines = new Map<string, ModuleOutline | null>(manifests.map(({ module, outline }) => [module, outline]));
  const moduleOf = (file: string): string => {
    const { id } = locateModule(file);
    if (id.startsWith("perdure/")) return RUNTIME;
    if (!files.has(id)) files.set(id, file);
    return id;
  };

  return {
    manifests,
    fileOf: (module) => files.get(module) ?? "",
    outlineOf(module) {
      const known = outlines.get(module);
      if (known !== undefined) return known;
      const outline = outlineOfFile(files.get(module) ?? "");
      outlines.set(module, outline);
      return outline;
    },
    resolve(module, specifier) {
      const found = inputs[names.get(module) ?? ""]?.imports.find(({ original }) => original === specifier);
      if (found !== undefined && found.external !== true) return moduleOf(path.resolve(root, found.path));
      // What only a step imports is not in the bundle.
      const file = relativeFile(files.get(module) ?? "", specifier);
      return file === null ? specifier : moduleOf(file);
    },
  };
}

/** The outline of a file that is not in the bundle; null if it has none, or mistakes, which are its own business. */
function outlineOfFile(file: string): ModuleOutline | null {
  if (!existsSync(file) || !isCompiled(file)) return null;
  try {
    return compileFile(file).manifest.outline;
  } catch (error) {
    if (error instanceof CompileError) return null;
    throw error;
  }
}

/** The file that a relative specifier means, where it is written out or has the extension of the compiled file. */
function relativeFile(importer: string, specifier: string): string | null {
  if (!/^\.{1,2}\//.test(specifier)) return null;
  const file = path.resolve(path.dirname(importer), specifier);
  const typescript = file.replace(/\.([cm]?)js(x?)$/, ".$1ts$2");
  const candidates = [file, typescript, ...["ts", "tsx", "mts", "js", "mjs"].map((extension) => `${file}.${extension}`)];
  return candidates.find((candidate) => path.extname(candidate) !== "" && existsSync(candidate)) ?? null;
}
