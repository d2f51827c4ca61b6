import type { Compiler, RspackPluginInstance } from "@rspack/core";
import { createRspackPlugin } from "unplugin";
import { manifestAtEnd } from "./build-manifest.ts";
import { createHooks } from "./factory.ts";
import type { PluginOptions } from "./plugin-options.ts";
import { createWebpackState, keepsRegistrations } from "./webpack-like.ts";

/**
 * The Rspack plugin, also for Rsbuild (`tools.rspack.plugins`).
 *
 * @example
 * import perdure from "@perdure/compiler/rspack";
 * export default { target: "node", entry: "./src/server.ts", plugins: [perdure()] };
 */
const plugin: (options?: PluginOptions) => RspackPluginInstance = createRspackPlugin<PluginOptions | undefined, false>((options) => {
  const state = createWebpackState(options);
  return {
    ...createHooks(state),
    ...manifestAtEnd(state),
    rspack(compiler: Compiler) {
      state.root = compiler.context;
      compiler.options.module.rules.push(keepsRegistrations);
    },
  };
});

export default plugin;
export type { PluginOptions };
