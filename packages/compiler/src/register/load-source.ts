import { readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { TransformOptions } from "esbuild";
import { loaderOf } from "../bundle/workflow-modules.ts";
import { locateModule } from "../bundle/module-location.ts";
import { needsCompiling } from "../bundle/needs-compiling.ts";
import { compile } from "../compile.ts";
import { CompileError, formatDiagnostic } from "../diagnose/diagnostic.ts";
import { readRenames } from "../renames/renames-file.ts";
import { createDeclaredIds } from "../bundle/declared-ids.ts";
import { applicationSource, isApplicationUrl } from "./application-url.ts";
import { bundlesSource, bundlesUrl, isBundlesUrl } from "./bundles-url.ts";
import { moduleFormat } from "./module-format.ts";

/** A module which the loader hands to Node. `typescript`: its types must go first, with these options of esbuild. */
export interface LoadedSource {
  format: "module" | "commonjs";
  source: string;
  typescript: TransformOptions | null;
}

// Of the process: the loader is installed once.
const declared = createDeclaredIds();
const ownFolder = new URL("..", import.meta.url).href;
const inPackage = /\/node_modules\//;

/** Loads what the application's process needs compiled: modules with directives, and all TypeScript. Null: Node loads it as ever. */
export function loadSource(url: string): LoadedSource | null {
  if (isBundlesUrl(url)) return { format: "module", source: bundlesSource(url), typescript: null };
  if (isApplicationUrl(url)) return { format: "module", source: applicationSource(url), typescript: null };
  if (!url.startsWith("file:") || url.startsWith(ownFolder)) return null;
  const { pathname } = new URL(url);
  const isTypeScript = /\.(?:[cm]?ts|tsx)$/.test(pathname);
  if (!isTypeScript && !/\.(?:[cm]?js|jsx)$/.test(pathname)) return null;
  if (isTypeScript && inPackage.test(pathname)) return null;
  const file = fileURLToPath(url);
  const code = readFileSync(file, "utf8");
  if (!isTypeScript && !needsCompiling(file, code)) return null;
  const source = compileHost(file, code);
  if (source === null && !isTypeScript) return null;
  const format = moduleFormat(file, code, source !== null);
  return { format, source: source ?? code, typescript: isTypeScript ? typeScriptOptions(file) : null };
}

function compileHost(file: string, code: string): string | null {
  const { id, root } = locateModule(file);
  const options = { id, filename: file, target: "host", bundles: bundlesUrl(file), renames: readRenames(root) } as const;
  const { code: compiled, map, manifest, ...result } = compile(code, options);
  const diagnostics = [...result.diagnostics, ...declared.declare({ file, code, manifest })];
  const errors = diagnostics.filter(({ severity }) => severity === "error");
  if (errors.length > 0) throw new CompileError(errors);
  for (const warning of diagnostics) process.emitWarning(formatDiagnostic(warning), "PerdureWarning", warning.code);
  return map === null ? null : `${compiled}\n//# sourceMappingURL=${map.toUrl()}`;
}

function typeScriptOptions(file: string): TransformOptions {
  return {
    loader: loaderOf(file),
    sourcefile: path.basename(file),
    sourcemap: "inline",
    sourcesContent: false,
    target: `node${process.versions.node}`,
    jsx: "automatic",
  };
}
