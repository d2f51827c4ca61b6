import { readFileSync } from "node:fs";
import { type CompileResult, compile } from "../compile.ts";
import { CompileError } from "../diagnose/diagnostic.ts";
import { locateModule } from "./module-location.ts";
import { needsCompiling } from "./needs-compiling.ts";

const code = /\.[cm]?[jt]sx?$/;
const inPackage = /[\\/]node_modules[\\/]/;
const results = new Map<string, { source: string; result: CompileResult }>();

/**
 * The module for the orchestration bundle, compiled from a file. Results are kept by content, so that a rebuild only compiles what
 * changed. Throws a `CompileError` when there are errors.
 */
export function compileFile(file: string): CompileResult {
  const source = readFileSync(file, "utf8");
  const known = results.get(file);
  if (known?.source === source) return orThrow(known.result);
  const result = compile(source, { id: locateModule(file).id, filename: file, target: "workflow" });
  results.set(file, { source, result });
  return orThrow(result);
}

/** Whether a file is compiled for bundles: modules of the application, and those of packages that the host compiles too. */
export function isCompiled(file: string): boolean {
  return code.test(file) && (!inPackage.test(file) || needsCompiling(file, readFileSync(file, "utf8")));
}

function orThrow(result: CompileResult): CompileResult {
  const errors = result.diagnostics.filter(({ severity }) => severity === "error");
  if (errors.length > 0) throw new CompileError(errors);
  return result;
}
