import { isBuiltin } from "node:module";
import path from "node:path";
import type { Loader, OnLoadArgs, OnLoadResult, OnResolveArgs, OnResolveResult, Plugin, PluginBuild } from "esbuild";
import { CompileError } from "../diagnose/diagnostic.ts";
import { compileFile, isCompiled } from "./compile-file.ts";

/** The namespace of the generated entry modules, one per workflow. */
export const ENTRY = "perdure-entry";

const isCode = /\.(?:[cm]?[jt]sx?|json|txt)$/;

/** What is bundled. */
export interface ModuleOptions {
  /** The text of an entry module. */
  contentsOf(entry: string): string;
  /** The folder from which entries import. */
  folder: string;
  /** Whether an imported module stays out, see {@link sharedPath}. */
  isShared(file: string): boolean;
}

/**
 * Loads the modules of a workflow bundle by three rules. Every module counts as free of side effects, so that what nothing uses goes.
 * What cannot be in a bundle (Node's built-ins, files that do not exist or are not code) is external instead of an error: whether it
 * matters is known after tree shaking only. Modules of the application, and those of packages that have directives, are compiled for the
 * workflow target.
 */
export function workflowModules({ contentsOf, folder, isShared }: ModuleOptions): Plugin {
  return {
    name: "perdure-workflow-modules",
    setup(build) {
      build.onResolve({ filter: /.*/ }, (args) => resolve(build, args, isShared));
      build.onLoad({ filter: /.*/, namespace: ENTRY }, ({ path: entry }) => ({ contents: contentsOf(entry), resolveDir: folder }));
      build.onLoad({ filter: /\.[cm]?[jt]sx?$/, namespace: "file" }, load);
    },
  };
}

async function resolve(build: PluginBuild, args: OnResolveArgs, isShared: ModuleOptions["isShared"]): Promise<OnResolveResult | null> {
  if (args.pluginData === RESOLVING) return null;
  if (args.kind === "entry-point") return { path: args.path.slice(ENTRY.length + 1), namespace: ENTRY };
  const external = { path: args.path, external: true, sideEffects: false };
  if (isBuiltin(args.path)) return external;
  const { kind, importer, resolveDir } = args;
  const found = await build.resolve(args.path, { kind, importer, resolveDir, pluginData: RESOLVING });
  if (found.errors.length > 0) return external;
  if (found.namespace === "file" && !isCode.test(found.path) && path.extname(found.path) !== "") return external;
  if (kind === "import-statement" && found.namespace === "file" && isShared(found.path))
    return { ...external, path: sharedPath(args.path, found.path) };
  return { path: found.path, namespace: found.namespace, external: found.external, sideEffects: false };
}

/** Marks the resolution that we ask for ourselves. */
const RESOLVING = Symbol("resolving");

const SHARED = "perdure-shared:";

/** The import of a module that stays out because it is in the shared part: esbuild says of it which names are left after tree shaking. */
function sharedPath(specifier: string, file: string): string {
  return `${SHARED}${encodeURIComponent(specifier)}:${file}`;
}

/** What such an import means; null for any other. */
export function parseSharedPath(text: string): { specifier: string; file: string } | null {
  if (!text.startsWith(SHARED)) return null;
  const [specifier = ""] = text.slice(SHARED.length).split(":", 1);
  return { specifier: decodeURIComponent(specifier), file: text.slice(SHARED.length + specifier.length + 1) };
}

function load({ path: file }: OnLoadArgs): OnLoadResult | null {
  if (!isCompiled(file)) return null;
  try {
    const { code, map } = compileFile(file);
    return { contents: map === null ? code : `${code}\n//# sourceMappingURL=${map.toUrl()}`, loader: loaderOf(file) };
  } catch (error) {
    if (!(error instanceof CompileError)) throw error;
    return { errors: [{ text: error.message, detail: error }] };
  }
}

/** esbuild's loader for a file with code. */
export function loaderOf(file: string): Loader {
  const extension = path.extname(file);
  if (extension === ".tsx") return "tsx";
  if (/^\.[cm]?ts$/.test(extension)) return "ts";
  return "jsx";
}
