import type { Plugin } from "rolldown";
import { createRolldownPlugin } from "unplugin";
import { manifestHook } from "./build-manifest.ts";
import { createHooks } from "./factory.ts";
import type { PluginOptions } from "./plugin-options.ts";
import { createState } from "./plugin-state.ts";
import { watchSubfolders } from "./watch-folders.ts";

/**
 * The Rolldown plugin, also for tsdown.
 *
 * @example
 * import perdure from "@perdure/compiler/rolldown";
 * export default { input: "src/server.ts", platform: "node", external: [/^perdure/], plugins: [perdure()] };
 */
const plugin: (options?: PluginOptions) => Plugin | Plugin[] = createRolldownPlugin<PluginOptions | undefined, false>((options) => {
  const state = { ...createState(options), watchFolders: watchSubfolders };
  return { ...createHooks(state), rolldown: manifestHook(state) };
}) as (options?: PluginOptions) => Plugin | Plugin[];

export default plugin;
export type { PluginOptions };
