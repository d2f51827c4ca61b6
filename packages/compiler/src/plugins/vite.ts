import { createVitePlugin } from "unplugin";
import type { HotUpdateOptions, Plugin, ResolvedConfig, UserConfig, ViteDevServer } from "vite";
import { SOURCE_CONDITION } from "../bundle/conditions.ts";
import { manifestHook } from "./build-manifest.ts";
import { createHooks } from "./factory.ts";
import { createChangeFinder } from "./hot-update.ts";
import { packagesToCompile } from "./packages-to-compile.ts";
import type { PluginOptions } from "./plugin-options.ts";
import { type PluginState, createState } from "./plugin-state.ts";
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
  const findChanged = createChangeFinder(state);
  return {
    ...createHooks(state),
    vite: {
      ...manifestHook(state),
      config: ({ root = process.cwd() }: UserConfig) => {
        const inline = packagesToCompile(root);
        return inline.length === 0 ? null : { ssr: { noExternal: inline }, test: { server: { deps: { inline } } } };
      },
      configResolved: (config) => {
        followSourceCondition(config, state);
        state.root = config.root;
        state.shakesTree = config.command === "build";
      },
      configureServer: ({ config, watcher }: ViteDevServer) => {
        // Vite takes a module for an importer of what it watches, and renews it with every edit. With `hotUpdate` we know better.
        if (config.server.hmr !== false) state.watchFiles = (_, files) => void watcher.add([...files]);
      },
      async hotUpdate({ file, modules, timestamp }: HotUpdateOptions) {
        const changed = await findChanged(file, timestamp);
        const found = changed.map((id) => this.environment.moduleGraph.getModuleById(id)).filter((module) => module !== undefined);
        return found.length === 0 ? undefined : [...modules, ...found];
      },
    },
  };
});

function followSourceCondition({ resolve, ssr }: ResolvedConfig, state: PluginState): void {
  const conditions = [...resolve.conditions, ...(ssr.resolve?.conditions ?? [])];
  if (conditions.includes(SOURCE_CONDITION) && !state.conditions.includes(SOURCE_CONDITION)) state.conditions.push(SOURCE_CONDITION);
}
