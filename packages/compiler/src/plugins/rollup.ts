import type { Plugin } from "rollup";
import { createRollupPlugin } from "unplugin";
import { manifestHook } from "./build-manifest.ts";
import { createHooks } from "./factory.ts";
import type { PluginOptions } from "./plugin-options.ts";
import { createState } from "./plugin-state.ts";
import { watchSubfolders } from "./watch-folders.ts";

/**
 * The Rollup plugin. Put it before what strips types.
 *
 * @example
 * import perdure from "@perdure/compiler/rollup";
 * export default { input: "src/server.ts", output: { dir: "dist" }, external: [/^perdure/], plugins: [perdure(), esbuild()] };
 */
const plugin: (options?: PluginOptions) => Plugin | Plugin[] = createRollupPlugin<PluginOptions | undefined, false>((options) => {
  const state = { ...createState(options), watchFolders: watchSubfolders };
  return { ...createHooks(state), rollup: manifestHook(state) };
});

export default plugin;
export type { PluginOptions };
