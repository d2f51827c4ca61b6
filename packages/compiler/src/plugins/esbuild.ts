import { readFileSync } from "node:fs";
import type { OnResolveArgs, OnResolveResult, PluginBuild } from "esbuild";
import { type UnpluginInstance, createEsbuildPlugin } from "unplugin";
import { loaderOf } from "../bundle/workflow-modules.ts";
import { mayHaveDirectives } from "../parse/pre-filter.ts";
import { type PluginOptions, createHooks, createState } from "./factory.ts";

/**
 * The esbuild plugin. Put it first: esbuild asks only the first plugin that loads a file.
 *
 * @example
 * import perdure from "@perdure/compiler/esbuild";
 * await build({ entryPoints: ["src/server.ts"], bundle: true, platform: "node", format: "esm", plugins: [perdure()] });
 */
const plugin: UnpluginInstance<PluginOptions | undefined, false>["esbuild"] = createEsbuildPlugin<PluginOptions | undefined, false>(
  (options) => ({ ...createHooks(createState(options)), esbuild: { setup: keepRegistrations, loader: (_code, id) => loaderOf(id) } }),
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
