import type { SourceMap } from "magic-string";
import { analyse } from "./analyse/analyse.ts";
import { type Diagnostic, createDiagnostic } from "./diagnose/diagnostic.ts";
import { type Manifest, createManifest, emptyManifest } from "./manifest.ts";
import { parse } from "./parse/parse.ts";
import { mayHaveDirectives, mayHaveStoredClasses } from "./parse/pre-filter.ts";
import { type Renames, findFormerIds } from "./renames/former-ids.ts";
import { transformClient } from "./transform/client.ts";
import { createEditor } from "./transform/editor.ts";
import { transformHost } from "./transform/host.ts";
import { transformWorkflow } from "./transform/workflow.ts";

/** How to compile a module. */
export interface CompileOptions {
  /** The id of the module: `<package name>/<path from its package.json>`, POSIX, with extension. Ids of functions begin with it. */
  id: string;
  /** The name of the file in diagnostics and in the source map, whose extension decides the language; without it, the id. */
  filename?: string;
  /**
   * `host`: the application's own module. `workflow`: the module for the bundle in which workflows run. `client`: the module for a browser, without what
   * steps and workflows do.
   */
  target: "host" | "workflow" | "client";
  /** In the host target, what to import the workflows' bundles from. Without it the workflows are registered without code. */
  bundles?: string;
  /** In the host target, the ids that functions had before: runs that began under them find the functions. */
  renames?: Renames;
}

/** What became of a module. With an error among the diagnostics, `code` is the source as it was. */
export interface CompileResult {
  code: string;
  /** From `code` to the source; null if the code is unchanged. Its only source is the last part of the file name. */
  map: SourceMap | null;
  manifest: Manifest;
  diagnostics: Diagnostic[];
}

/**
 * Compiles one module: finds its steps, its workflows and the classes whose instances can be stored, reports every mistake, and rewrites them as docs/decisions/0001-compiled-code.md
 * defines. TypeScript stays TypeScript. Pure: the same input always gives the same output, and nothing outside is read.
 */
export function compile(code: string, options: CompileOptions): CompileResult {
  const { id, filename = id, target, bundles, renames = {} } = options;
  const source = { code, filename };
  const unchanged = { code, map: null, manifest: emptyManifest(id), diagnostics: [] };
  if (target !== "workflow" && !mayHaveDirectives(code) && !mayHaveStoredClasses(code)) return unchanged;

  const parsed = parse(code, filename);
  // The syntax of a module without directives is its own business: esbuild may know it, or say what is wrong.
  if (!parsed.ok && !mayHaveDirectives(code)) return unchanged;
  if (!parsed.ok) {
    const range = { start: parsed.offset, end: parsed.offset };
    return {
      ...unchanged,
      diagnostics: [createDiagnostic({ code: "SYNTAX_ERROR", range, parameters: { reason: parsed.message } }, source)],
    };
  }

  const analysis = analyse(parsed.file, id);
  const formerIds = findFormerIds(renames, id, analysis);
  const diagnostics = analysis.problems
    .toSorted((a, b) => a.range.start - b.range.start)
    .map((problem) => createDiagnostic(problem, source));
  const manifest = createManifest(id, code, analysis);
  if (diagnostics.some(({ severity }) => severity === "error")) return { ...unchanged, manifest, diagnostics };
  const { marked, storedClasses } = analysis;
  if (target !== "workflow" && marked.length + (target === "host" ? storedClasses.length : 0) === 0)
    return { ...unchanged, manifest, diagnostics };

  const editor = createEditor(code, analysis);
  if (target === "host") transformHost(editor, { bundles, formerIds });
  else if (target === "client") transformClient(editor);
  else transformWorkflow(editor);
  if (!editor.text.hasChanged()) return { ...unchanged, manifest, diagnostics };
  const map = editor.text.generateMap({ source: filename.split(/[\\/]/).at(-1) ?? filename, hires: "boundary", includeContent: true });
  return { code: editor.text.toString(), map, manifest, diagnostics };
}
