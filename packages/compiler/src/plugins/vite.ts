import { createVitePlugin } from "unplugin";
import type { EnvironmentModuleNode, HotUpdateOptions, Plugin, ResolvedConfig } from "vite";
import { SOURCE_CONDITION } from "../bundle/conditions.ts";
import { type PluginOptions, type PluginState, createHooks, createState } from "./factory.ts";

/**
 * The Vite plugin, for `vite dev`, `vite build --ssr` and Vitest. A change of any file that a bundle came from renews the bundle.
 *
 * @example
 * import perdure from "@perdure/compiler/vite";
 * export default { plugins: [perdure()] };
 */
const plugin: (options?: PluginOptions) => Plugin | Plugin[] = createVitePlugin<PluginOptions | undefined, false>((options) => {
  const state = createState(options);
  return {
    ...createHooks(state),
    vite: {
      configResolved: (config) => followSourceCondition(config, state),
      hotUpdate({ file, modules }: HotUpdateOptions) {
        const stale = staleModules(file, state, (id) => this.environment.moduleGraph.getModuleById(id));
        return stale.length === 0 ? undefined : [...modules, ...stale];
      },
    },
  };
});

export default plugin;
export type { PluginOptions };

function followSourceCondition({ resolve, ssr }: ResolvedConfig, state: PluginState): void {
  const conditions = [...resolve.conditions, ...(ssr.resolve?.conditions ?? [])];
  if (conditions.includes(SOURCE_CONDITION) && !state.conditions.includes(SOURCE_CONDITION)) state.conditions.push(SOURCE_CONDITION);
}

function staleModules(file: string, state: PluginState, find: (id: string) => EnvironmentModuleNode | undefined): EnvironmentModuleNode[] {
  return [...state.inputs].flatMap(([id, inputs]) => {
    const module = inputs.has(file) ? find(id) : undefined;
    return module === undefined ? [] : [module];
  });
}
