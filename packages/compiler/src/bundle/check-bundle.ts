import { existsSync, readFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import path from "node:path";
import type { Metafile } from "esbuild";
import { type Diagnostic, createDiagnostic } from "../diagnose/diagnostic.ts";
import type { Bundle } from "./bundle-workflows.ts";
import { importChain } from "./import-chain.ts";
import { ENTRY } from "./workflow-modules.ts";

/** A finished bundle, and how it came about. */
export interface CheckInput {
  bundle: Bundle;
  workflow: string;
  index: number;
  root: string;
  metafile: Metafile;
}

/** What is left in a bundle after tree shaking although it cannot be there. */
export function checkBundle(input: CheckInput): Diagnostic[] {
  return foreignImports(input);
}

function foreignImports({ workflow, index, root, metafile }: CheckInput): Diagnostic[] {
  const output = metafile.outputs[`${index}.js`];
  const modules = new Set((output?.imports ?? []).filter(({ external }) => external === true).map((imported) => imported.path));
  return [...modules].map((module) => {
    const chain = importChain(metafile, `${ENTRY}:${index}`, module, Object.keys(output?.inputs ?? {}));
    const importer = path.resolve(root, chain.at(-1) ?? "");
    const code = existsSync(importer) ? readFileSync(importer, "utf8") : "";
    const parameters = { workflow, module, chain: chain.join(" -> ") };
    const kind = isBuiltin(module) ? "BUNDLE_HOST_MODULE" : "BUNDLE_UNRESOLVED";
    return createDiagnostic({ code: kind, range: specifierRange(code, module), parameters }, { code, filename: importer });
  });
}

/** Where the module is named in the source of its importer. */
function specifierRange(code: string, module: string): { start: number; end: number } {
  const found = ['"', "'", "`"].map((quote) => code.indexOf(quote + module + quote)).filter((offset) => offset >= 0);
  const start = found.length === 0 ? 0 : Math.min(...found);
  return { start, end: found.length === 0 ? 0 : start + module.length + 2 };
}
