import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { OnResolveArgs, OnResolveResult, PluginBuild } from "esbuild";
import { type UnpluginInstance, createEsbuildPlugin } from "unplugin";
import { loaderOf } from "../bundle/workflow-modules.ts";
import { scanApplication } from "./application-module.ts";
import { emitManifest } from "./build-manifest.ts";
import { createHooks } from "./factory.ts";
import { hasDirectives } from "./has-directives.ts";
import type { PluginOptions } from "./plugin-options.ts";
import { type PluginState, createState } from "./plugin-state.ts";

/**
 * The esbuild plugin. Put it first: esbuild asks only the first plugin that loads a file.
 *
 * @example
 * import perdure from "@perdure/compiler/esbuild";
 * await build({ entryPoints: ["src/server.ts"], bundle: true, platform: "node", format: "esm", plugins: [perdure()] });
 */
const plugin: UnpluginInstance<PluginOptions | undefined, false>["esbuild"] = createEsbuildPlugin<PluginOptions | undefined, false>(
  (options) => {
    const state = createState(options);
    return { ...createHooks(state), esbuild: { loader: (_code, id) => loaderOf(id), setup: (build) => setup(build, state) } };
  },
);

export default plugin;
export type { PluginOptions };

function setup(build: PluginBuild, state: PluginState): void {
  const { initialOptions } = build;
  state.folder = state.root = initialOptions.absWorkingDir ?? process.cwd();
  // Compiled modules repeat imports that only workflows use, for tools that leave out nothing else; here the bundles import what matters.
  initialOptions.logOverride = { "ignored-bare-import": "debug", ...initialOptions.logOverride };
  build.onResolve({ filter: /.*/ }, (args) => keepRegistrations(build, args));
  writeManifest(build, state);
  // Before the common hook, which cannot have folders watched.
  build.onLoad({ filter: /^\0virtual:perdure$/, namespace: NAMESPACE }, () => {
    const { code, files, folders } = scanApplication(state.root, state);
    return { contents: code, loader: "js", watchDirs: folders, watchFiles: files };
  });
}

/** The namespace of our virtual modules: the name of the plugin. */
const NAMESPACE = "perdure";

/** Marks our own resolution. */
const RESOLVING = Symbol("resolving");

/** Keeps modules with directives although their package.json does not. */
async function keepRegistrations(build: PluginBuild, args: OnResolveArgs): Promise<OnResolveResult | null> {
  if (args.pluginData === RESOLVING || args.kind === "entry-point") return null;
  if (args.namespace === NAMESPACE) return path.isAbsolute(args.path) ? { path: path.normalize(args.path), sideEffects: true } : null;
  const { kind, importer, resolveDir, namespace, with: attributes } = args;
  const found = await build.resolve(args.path, { kind, importer, resolveDir, namespace, with: attributes, pluginData: RESOLVING });
  if (found.errors.length > 0 || found.external || found.sideEffects || found.namespace !== "file") return null;
  if (!hasDirectives(found.path)) return null;
  return { path: found.path, sideEffects: true, suffix: found.suffix };
}

/** Writes the manifest beside the output, as esbuild writes that. */
function writeManifest({ initialOptions, onEnd }: PluginBuild, state: PluginState): void {
  const { absWorkingDir = process.cwd(), outdir, outfile, write } = initialOptions;
  const folder = outdir ?? (outfile === undefined ? undefined : path.dirname(outfile));
  if (write === false || folder === undefined) return;
  onEnd(({ errors }) => {
    if (errors.length > 0) return;
    emitManifest(state, ({ fileName, source }) => {
      mkdirSync(path.resolve(absWorkingDir, folder), { recursive: true });
      writeFileSync(path.resolve(absWorkingDir, folder, fileName), source);
    });
  });
}
