import { isBuiltin } from "node:module";
import path from "node:path";
import { Script } from "node:vm";
import type { Metafile } from "esbuild";
import { type Diagnostic, type Problem, createDiagnostic } from "../diagnose/diagnostic.ts";
import type { Range } from "../parse/nodes.ts";
import { type Output, mainOutput, sharedOutput } from "./build-parts.ts";
import { findHostGlobals } from "./host-globals.ts";
import { chainTo, importChain } from "./import-chain.ts";
import { type OriginalPlace, type ParsedBundle, parseBundle } from "./parsed-bundle.ts";
import { carelessCall, findUnawaitedCalls } from "./unawaited-calls.ts";
import { diagnosticIn, offsetOf, sourceOf } from "./source-diagnostic.ts";
import { ENTRY } from "./workflow-modules.ts";

/** A finished bundle, and how it came about. */
export interface CheckInput {
  main: Output;
  shared: Output | null;
  /** The name of the workflow. */
  workflow: string;
  /** Its place among the workflows of the file. */
  index: number;
  root: string;
  metafile: Metafile;
}

/** What is left in a bundle after tree shaking although it cannot be there, or should not. */
export function checkBundle(input: CheckInput): Diagnostic[] {
  const imports = foreignImports(input);
  if (imports.length > 0) return imports;
  const shared = input.shared === null || hasNothingToReport(input.shared) ? [] : checkPart(input.shared, input);
  return [...checkPart(input.main, input), ...shared];
}

/**
 * Whether a part has modules of published packages only, of which nothing but module syntax and calls of steps is reported. What does not parse has a top-level
 * `await`. Parsing the 500 kB of zod for nothing would take longer than all the rest.
 */
function hasNothingToReport({ code, map }: Output): boolean {
  const { sources } = JSON.parse(map) as { sources: string[] };
  const isPublished = sources.every((source) => source.includes("node_modules/") || source.startsWith(`${ENTRY}:`));
  if (!isPublished || /\bimport\s*[(.]/.test(code) || code.lastIndexOf("__perdure") > code.indexOf("__perdure")) return false;
  try {
    void new Script(code);
    return true;
  } catch {
    return false;
  }
}

function checkPart(part: Output, input: CheckInput): Diagnostic[] {
  const parsed = parseBundle(part);
  if (parsed.ok) return [...hostGlobals(input, parsed.bundle), ...unawaitedCalls(input, parsed.bundle)];
  const reason = "a module which a workflow needs awaits at its top level";
  return [diagnosticAt(parsed.place, input, (range) => ({ code: "BUNDLE_FAILED", range, parameters: { reason } }))];
}

function foreignImports({ workflow, index, root, metafile }: CheckInput): Diagnostic[] {
  const outputs = [mainOutput(index), sharedOutput(index)].flatMap((name) => metafile.outputs[name]?.imports ?? []);
  const modules = new Set(outputs.filter(({ external }) => external === true).map((imported) => imported.path));
  return [...modules].map((module) => {
    const chain = importChain(metafile, `${ENTRY}:${index}`, module, includedIn(metafile, index));
    const parameters = { workflow, module, chain: chain.join(" -> ") };
    const code = isBuiltin(module) ? "BUNDLE_HOST_MODULE" : "BUNDLE_UNRESOLVED";
    return diagnosticIn(path.resolve(root, chain.at(-1) ?? ""), (source) => ({ code, range: specifierRange(source, module), parameters }));
  });
}

function hostGlobals(input: CheckInput, bundle: ParsedBundle): Diagnostic[] {
  const { workflow } = input;
  return findHostGlobals(bundle).map(({ kind, name, advice, ...place }) =>
    diagnosticAt(place, input, ({ start, end }, source) => {
      const range = { start, end: source.startsWith(name, start) ? start + name.length : end };
      if (kind === "unavailable") return { code: "TOP_LEVEL_AWAIT", range, parameters: { name } };
      return { code: "BUNDLE_HOST_GLOBAL", range, parameters: { workflow, name, advice, imports: importsOf(place, input) } };
    }),
  );
}

/** The files that are in a bundle. */
export function includedIn({ outputs }: Metafile, index: number): string[] {
  return [mainOutput(index), sharedOutput(index)].flatMap((name) => Object.keys(outputs[name]?.inputs ?? {}));
}

/** How a file comes into the bundle, as a sentence; nothing for the workflow's own. */
function importsOf({ source }: OriginalPlace, { index, metafile }: CheckInput): string {
  const chain = chainTo(metafile, `${ENTRY}:${index}`, source, includedIn(metafile, index));
  return chain.length < 2 ? "" : ` Imported by ${chain.slice(0, -1).join(" -> ")}.`;
}

function unawaitedCalls({ workflow, root }: CheckInput, bundle: ParsedBundle): Diagnostic[] {
  return findUnawaitedCalls(bundle).flatMap((place) => {
    const filename = path.resolve(root, place.source);
    const source = sourceOf(filename);
    const range = carelessCall(source, filename, offsetOf(source, place));
    if (range === null) return [];
    const call = source.slice(range.start, range.end).replace(/\(.*$/s, "()");
    return [createDiagnostic({ code: "STEP_NOT_AWAITED", range, parameters: { workflow, call } }, { code: source, filename })];
  });
}

/** A problem at a place of one character. */
function diagnosticAt(place: OriginalPlace, { root }: CheckInput, problem: (range: Range, source: string) => Problem): Diagnostic {
  return diagnosticIn(path.resolve(root, place.source), (source) => {
    const start = offsetOf(source, place);
    return problem({ start, end: start + 1 }, source);
  });
}

/** Where the module is named in the source of its importer. */
export function specifierRange(code: string, module: string): Range {
  const found = ['"', "'", "`"].map((quote) => code.indexOf(quote + module + quote)).filter((offset) => offset >= 0);
  const start = found.length === 0 ? 0 : Math.min(...found);
  return { start, end: found.length === 0 ? 0 : start + module.length + 2 };
}
