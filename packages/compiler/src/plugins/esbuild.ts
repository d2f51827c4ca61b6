import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { OnResolveArgs, OnResolveResult, PluginBuild } from "esbuild";
import { type UnpluginInstance, createEsbuildPlugin } from "unplugin";
import { loaderOf } from "../bundle/workflow-modules.ts";
import { mayHaveDirectives } from "../parse/pre-filter.ts";
import { emitManifest } from "./build-manifest.ts";
import { type PluginOptions, type PluginState, createHooks, createState } from "./factory.ts";

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
    const setup = (build: PluginBuild) => {
      keepRegistrations(build);
      writeManifest(build, state);
    };
    return { ...createHooks(state), esbuild: { setup, loader: (_code, id) => loaderOf(id) } };
  },
);

export default plugin;
export type { PluginOptions };

/** Marks our own resolution. */
const RESOLVING = Symbol("resolving");

/** A module with directives has side effects, whatever its package.json says: its steps must register. */
function keepRegistrations(build: PluginBuild): void {
  build.onResolve({ filter: /.*/ }, async (args: OnResolveArgs): Promise<OnResolveResult | null> => {
    if (args.pluginData === RESOLVING || args.kind === "entry-point") return null;
    const { kind, importer, resolveDir, namespace, with: attributes } = args;
    const found = await build.resolve(args.path, { kind, importer, resolveDir, namespace, with: attributes, pluginData: RESOLVING });
    if (found.errors.length > 0 || found.external || found.sideEffects || found.namespace !== "file") return null;
    if (!/\.[cm]?[jt]sx?$/.test(found.path) || !mayHaveDirectives(readFileSync(found.path, "utf8"))) return null;
    return { path: found.path, sideEffects: true, suffix: found.suffix };
  });
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
