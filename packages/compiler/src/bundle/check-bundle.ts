import { existsSync, readFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import path from "node:path";
import type { Metafile } from "esbuild";
import { type Diagnostic, type Problem, createDiagnostic } from "../diagnose/diagnostic.ts";
import type { Range } from "../parse/nodes.ts";
import type { Bundle } from "./bundle.ts";
import { type HostGlobalUse, findHostGlobals } from "./host-globals.ts";
import { importChain } from "./import-chain.ts";
import { ENTRY } from "./workflow-modules.ts";

/** A finished bundle, and how it came about. */
export interface CheckInput {
  bundle: Bundle;
  /** The name of the workflow. */
  workflow: string;
  /** Its place among the workflows of the file. */
  index: number;
  root: string;
  metafile: Metafile;
}

/** What is left in a bundle after tree shaking although it cannot be there. */
export function checkBundle(input: CheckInput): Diagnostic[] {
  const imports = foreignImports(input);
  return imports.length > 0 ? imports : hostGlobals(input);
}

function foreignImports({ workflow, index, root, metafile }: CheckInput): Diagnostic[] {
  const output = metafile.outputs[`${index}.js`];
  const modules = new Set((output?.imports ?? []).filter(({ external }) => external === true).map((imported) => imported.path));
  return [...modules].map((module) => {
    const chain = importChain(metafile, `${ENTRY}:${index}`, module, Object.keys(output?.inputs ?? {}));
    const parameters = { workflow, module, chain: chain.join(" -> ") };
    const code = isBuiltin(module) ? "BUNDLE_HOST_MODULE" : "BUNDLE_UNRESOLVED";
    return diagnosticIn(path.resolve(root, chain.at(-1) ?? ""), (source) => ({ code, range: specifierRange(source, module), parameters }));
  });
}

function hostGlobals({ bundle, workflow, root }: CheckInput): Diagnostic[] {
  return findHostGlobals(bundle).map((use) =>
    diagnosticIn(path.resolve(root, use.source), (source) => globalProblem(use, source, workflow)),
  );
}

function globalProblem({ kind, name, advice, line, column }: HostGlobalUse, source: string, workflow: string): Problem {
  const lines = source.split("\n").slice(0, line - 1);
  const start = lines.reduce((sum, text) => sum + text.length + 1, 0) + column;
  const range = { start, end: start + (source.startsWith(name, start) ? name.length : 1) };
  if (kind === "await")
    return { code: "BUNDLE_FAILED", range, parameters: { reason: "a module which a workflow needs awaits at its top level" } };
  if (kind === "unavailable") return { code: "TOP_LEVEL_AWAIT", range, parameters: { name } };
  return { code: "BUNDLE_HOST_GLOBAL", range, parameters: { workflow, name, advice } };
}

function diagnosticIn(filename: string, problem: (source: string) => Problem): Diagnostic {
  const code = existsSync(filename) ? readFileSync(filename, "utf8") : "";
  return createDiagnostic(problem(code), { code, filename });
}

/** Where the module is named in the source of its importer. */
function specifierRange(code: string, module: string): Range {
  const found = ['"', "'", "`"].map((quote) => code.indexOf(quote + module + quote)).filter((offset) => offset >= 0);
  const start = found.length === 0 ? 0 : Math.min(...found);
  return { start, end: found.length === 0 ? 0 : start + module.length + 2 };
}
