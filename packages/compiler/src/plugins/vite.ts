import { createVitePlugin } from "unplugin";
import type { HotUpdateOptions, Plugin, ResolvedConfig } from "vite";
import { SOURCE_CONDITION } from "../bundle/conditions.ts";
import { manifestHook } from "./build-manifest.ts";
import { type PluginOptions, type PluginState, createHooks, createState } from "./factory.ts";
import { staleModules } from "./stale-modules.ts";
import { withVitest } from "./vitest/plugin.ts";

/** Options of the Vite plugin. */
export interface VitePluginOptions extends PluginOptions {
  /**
   * What runs under Vitest. `module-graph` (default): workflows run from Vitest's modules, with mocks, coverage and breakpoints. `bundle`: the bundles that
   * production has, in the sandbox.
   */
  vitest?: "module-graph" | "bundle";
}

/**
 * The Vite plugin, for `vite dev`, `vite build --ssr` and Vitest. A change of any file that a bundle came from renews the bundle.
 *
 * @example
 * import perdure from "@perdure/compiler/vite";
 * export default { plugins: [perdure()] };
 */
export default function perdure(options: VitePluginOptions = {}): Plugin[] {
  const { vitest = "module-graph", ...others } = options;
  const plugins = [builds(others)].flat();
  return vitest === "module-graph" ? withVitest(plugins) : plugins;
}

const builds: (options?: PluginOptions) => Plugin | Plugin[] = createVitePlugin<PluginOptions | undefined, false>((options) => {
  const state = createState(options);
  return {
    ...createHooks(state),
    vite: {
      ...manifestHook(state),
      configResolved: (config) => followSourceCondition(config, state),
      hotUpdate({ file, modules }: HotUpdateOptions) {
        const stale = staleModules(file, state.inputs, (id) => this.environment.moduleGraph.getModuleById(id));
        return stale.length === 0 ? undefined : [...modules, ...stale];
      },
    },
  };
});

function followSourceCondition({ resolve, ssr }: ResolvedConfig, state: PluginState): void {
  const conditions = [...resolve.conditions, ...(ssr.resolve?.conditions ?? [])];
  if (conditions.includes(SOURCE_CONDITION) && !state.conditions.includes(SOURCE_CONDITION)) state.conditions.push(SOURCE_CONDITION);
}
