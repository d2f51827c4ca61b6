import type { UnpluginFactory, UnpluginMessage } from "unplugin";
import type { ManifestPart } from "../bundle/build-manifest.ts";
import { bundleWorkflows } from "../bundle/bundle-workflows.ts";
import { locateModule } from "../bundle/module-location.ts";
import { compile } from "../compile.ts";
import { CompileError, type Diagnostic, formatDiagnostic } from "../diagnose/diagnostic.ts";
import { directivePattern, mayHaveDirectives } from "../parse/pre-filter.ts";
import type { Renames } from "../renames/former-ids.ts";
import { readRenames } from "../renames/renames-file.ts";
import { bundlesId, fileOfBundlesId, isBundlesRequest } from "./bundles-module.ts";

/** Options of every bundler plugin. */
export interface PluginOptions {
  /** Further export conditions under which packages resolve in workflow bundles, beside `workflow`, `edge-light`, `browser` and `import`. */
  conditions?: readonly string[];
  /** Former ids of functions or modules, with their present ones, beside those in the `perdure.renames.json` of each package. */
  renames?: Renames;
}

/** What the parts of one plugin instance share. */
export interface PluginState {
  conditions: string[];
  renames: Renames;
  /** For each module of bundles that was loaded, the files that it came from. */
  inputs: Map<string, ReadonlySet<string>>;
  /** For each file with workflows or steps, its part of the application's manifest. */
  manifests: Map<string, ManifestPart>;
}

/** The modules that may hold directives: code, also under a query that only busts caches; not the modules of bundles, whose ids end alike. */
const codeFiles = /^(?!.?virtual:perdure\/).*\.[cm]?[jt]sx?(?:\?(?:v|t)=[^?]*)?$/;

export function createState(options: PluginOptions | undefined): PluginState {
  return { conditions: [...(options?.conditions ?? [])], renames: options?.renames ?? {}, inputs: new Map(), manifests: new Map() };
}

/** The part that all bundlers have in common: the host target, and a virtual module with the bundles of each file with workflows. */
export function createHooks(state: PluginState): ReturnType<UnpluginFactory<PluginOptions | undefined, false>> {
  return {
    name: "perdure",
    enforce: "pre",
    resolveId: {
      filter: { id: /^virtual:perdure\/bundles\?/ },
      handler: (id) => (isBundlesRequest(id) ? `\0${id}` : null),
    },
    load: {
      filter: { id: /virtual:perdure\/bundles\?/ },
      async handler(id) {
        const file = fileOfBundlesId(id);
        if (file === null) return null;
        try {
          const { bundles, inputs, manifest, warnings } = await bundleWorkflows(file, { conditions: state.conditions });
          state.inputs.set(id, new Set(inputs));
          state.manifests.set(file, manifest);
          for (const warning of warnings) this.warn(message([warning]));
          for (const input of inputs) this.addWatchFile(input);
          return `export default ${JSON.stringify(bundles)};`;
        } catch (error) {
          if (!(error instanceof CompileError)) throw error;
          this.addWatchFile(file);
          this.error(message(error.diagnostics));
          return "";
        }
      },
    },
    transform: {
      filter: { id: codeFiles, code: directivePattern },
      handler(code, id) {
        if (!mayHaveDirectives(code)) return null;
        const { file, id: moduleId, root } = locateModule(id.replace(/\?.*$/, ""));
        const renames = { ...readRenames(root), ...state.renames };
        const result = compile(code, { id: moduleId, filename: file, target: "host", bundles: bundlesId(file), renames });
        const errors = result.diagnostics.filter(({ severity }) => severity === "error");
        if (result.manifest.workflows.length === 0) state.manifests.set(file, { workflows: [], steps: result.manifest.steps });
        for (const warning of result.diagnostics) if (warning.severity === "warning") this.warn(message([warning]));
        if (errors.length > 0) {
          this.error(message(errors));
          return code;
        }
        // A package that calls itself free of side effects would lose the registrations of its steps.
        return result.map === null ? null : { code: result.code, map: result.map, moduleSideEffects: true };
      },
    },
  };
}

/** Diagnostics as one message of the bundler, placed at the first. */
function message(diagnostics: readonly Diagnostic[]): UnpluginMessage {
  const [first] = diagnostics;
  const text = { message: diagnostics.map(formatDiagnostic).join("\n\n") };
  if (first === undefined) return text;
  const { filename, start, code } = first;
  return { ...text, id: filename, code, loc: { file: filename, line: start.line, column: start.column - 1 } };
}
