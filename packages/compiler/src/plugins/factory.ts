import type { UnpluginBuildContext, UnpluginContext, UnpluginFactory, UnpluginMessage } from "unplugin";
import { type BundledWorkflows, bundleWorkflows } from "../bundle/bundle-workflows.ts";
import { locateModule } from "../bundle/module-location.ts";
import { needsCompiling } from "../bundle/needs-compiling.ts";
import { type CompileResult, compile } from "../compile.ts";
import { CompileError, type Diagnostic, formatDiagnostic } from "../diagnose/diagnostic.ts";
import { directivePattern } from "../parse/pre-filter.ts";
import { readRenames } from "../renames/renames-file.ts";
import { APPLICATION_ID, importsOf, scanApplication } from "./application-module.ts";
import { bundlesId, fileOfBundlesId } from "./bundles-module.ts";
import type { PluginOptions } from "./plugin-options.ts";
import { type PluginState, rememberBundles } from "./plugin-state.ts";

type Hooks = ReturnType<UnpluginFactory<PluginOptions | undefined, false>>;
type Context = UnpluginBuildContext & UnpluginContext;

/** The modules that may hold directives: code, also under a query that only busts caches. */
const codeFiles = /\.[cm]?[jt]sx?(?:\?(?:v|t)=[^?]*)?$/;

const virtualIds = /^\0?virtual:perdure(?:\/.*\/bundles)?$/;

/**
 * The part that all bundlers have in common: the host target, a virtual module with the bundles of each file with workflows, and
 * `virtual:perdure`, which imports every module with workflows or steps.
 */
export function createHooks(state: PluginState): Hooks {
  return {
    name: "perdure",
    enforce: "pre",
    resolveId: {
      filter: { id: virtualIds },
      handler: (id) => (virtualIds.test(id) ? `\0${id.replace(/^\0/, "")}` : null),
    },
    load: {
      filter: { id: virtualIds },
      async handler(id) {
        if (id.replace(/^\0/, "") === APPLICATION_ID) return loadApplication(this, state);
        const file = fileOfBundlesId(id, state.folder);
        if (file === null) return null;
        try {
          return await loadBundles(this, state, id, file);
        } catch (error) {
          state.watchFiles(this, [file]);
          report(this, error);
          return "";
        }
      },
    },
    transform: {
      filter: { id: codeFiles, code: directivePattern },
      handler(code, id) {
        const path = id.replace(/\?.*$/, "");
        if (!needsCompiling(path, code)) return null;
        try {
          return compileHost(this, state, code, path);
        } catch (error) {
          report(this, error);
          return code;
        }
      },
    },
  };
}

function loadApplication(context: Context, state: PluginState): string {
  const application = scanApplication(state.root, state);
  state.application = application;
  state.watchFolders(context, application.folders);
  return application.code;
}

async function loadBundles(context: Context, state: PluginState, id: string, file: string): Promise<string> {
  const { code, inputs, manifest, warnings } = await generateBundles(state, file);
  for (const warning of warnings) context.warn(message([warning]));
  state.watchFiles(context, inputs);
  rememberBundles(state, id, { file, inputs, code, manifest });
  return code;
}

interface GeneratedBundles extends Pick<BundledWorkflows, "inputs" | "manifest" | "warnings"> {
  code: string;
}

/** The module with the bundles of a file, and what it was made from. Throws a `CompileError`. */
export async function generateBundles(state: PluginState, file: string): Promise<GeneratedBundles> {
  const { bundles, stepFiles, ...others } = await bundleWorkflows(file, state);
  // What a workflow calls must be registered, even where nothing but the workflow's own bundle refers to it.
  const imports = state.shakesTree ? importsOf(stepFiles.filter((one) => one !== locateModule(file).file)) : "";
  return { code: `${imports}export default ${JSON.stringify(bundles)};\n`, ...others };
}

type Transformed = { code: string; map: NonNullable<CompileResult["map"]>; moduleSideEffects?: true } | null;

function compileHost(context: Context, state: PluginState, code: string, path: string): Transformed {
  const { file, id, root } = locateModule(path);
  if (isForBrowser(context)) return compileClient(context, code, { id, file });
  const bundles = bundlesId(file, state.folder);
  const renames = { ...readRenames(root), ...state.renames };
  const { manifest, ...result } = compile(code, { id, filename: file, target: "host", bundles, renames });
  if (manifest.workflows.length === 0) state.manifests.set(file, { workflows: [], steps: manifest.steps });
  const diagnostics = [...result.diagnostics, ...state.declared.declare({ file, code, manifest })];
  for (const warning of diagnostics) if (warning.severity === "warning") context.warn(message([warning]));
  const errors = diagnostics.filter(({ severity }) => severity === "error");
  if (errors.length > 0) throw new CompileError(errors);
  const { map } = result;
  if (map === null) return null;
  const compiled = { code: state.finish(result.code, map, file), map };
  // A package that calls itself free of side effects would lose the registrations of its steps. A class that nothing uses need not be known.
  return manifest.steps.length + manifest.workflows.length > 0 ? { ...compiled, moduleSideEffects: true } : compiled;
}

/** Whether Vite builds or serves the module for browsers. Under Vitest everything runs in one process, whatever it is called. */
function isForBrowser(context: Context): boolean {
  const { environment } = context as { environment?: { config?: { consumer?: string } } };
  return environment?.config?.consumer === "client" && process.env["VITEST"] === undefined;
}

/** What steps and workflows do never leaves the server. */
function compileClient(context: Context, code: string, { id, file }: { id: string; file: string }): Transformed {
  const { diagnostics, map, ...result } = compile(code, { id, filename: file, target: "client" });
  const errors = diagnostics.filter(({ severity }) => severity === "error");
  if (errors.length > 0) throw new CompileError(errors);
  for (const warning of diagnostics) context.warn(message([warning]));
  return map === null ? null : { code: result.code, map };
}

/** Hands mistakes to the bundler, which ends the build at once or when it has seen everything; throws what is no mistake of the sources. */
function report(context: Context, error: unknown): void {
  if (!(error instanceof CompileError)) throw error;
  context.error(message(error.diagnostics));
}

/** Diagnostics as one message of the bundler, placed at the first. */
function message(diagnostics: readonly Diagnostic[]): UnpluginMessage {
  const [first] = diagnostics;
  const text = { message: diagnostics.map(formatDiagnostic).join("\n\n") };
  if (first === undefined) return text;
  const { filename, start, code } = first;
  return { ...text, id: filename, code, loc: { file: filename, line: start.line, column: start.column - 1 } };
}
