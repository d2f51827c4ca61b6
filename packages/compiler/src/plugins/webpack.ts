import { createWebpackPlugin } from "unplugin";
import type { Compiler, WebpackPluginInstance } from "webpack";
import { manifestAtEnd } from "./build-manifest.ts";
import { createHooks } from "./factory.ts";
import type { PluginOptions } from "./plugin-options.ts";
import { createWebpackState, keepsRegistrations } from "./webpack-like.ts";

const NAME = "perdure";

/**
 * The webpack plugin. TypeScript goes through your loader afterwards; one that reads source maps (esbuild-loader, swc-loader,
 * babel-loader) keeps the original positions.
 *
 * @example
 * import perdure from "@perdure/compiler/webpack";
 * export default { target: "node", entry: "./src/server.ts", plugins: [perdure()] };
 */
const plugin: (options?: PluginOptions) => WebpackPluginInstance = createWebpackPlugin<PluginOptions | undefined, false>((options) => {
  const state = createWebpackState(options);
  return {
    ...createHooks(state),
    ...manifestAtEnd(state),
    webpack(compiler: Compiler) {
      state.root = compiler.context;
      compiler.options.module.rules.push(keepsRegistrations);
      compiler.hooks.normalModuleFactory.tap(NAME, ({ hooks }) => hooks.beforeResolve.tap(NAME, hideScheme));
    },
  };
});

export default plugin;
export type { PluginOptions };

/** webpack takes what is before the colon for the scheme of a URL, which no plugin can resolve; the `\0` of resolved ids hides it. */
function hideScheme(data: { request: string }): void {
  if (/^virtual:perdure(?:\/|$)/.test(data.request)) data.request = `\0${data.request}`;
}
