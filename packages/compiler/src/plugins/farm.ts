import type { JsPlugin } from "@farmfe/core";
import { createFarmPlugin } from "unplugin";
import { manifestAtEnd } from "./build-manifest.ts";
import { createHooks } from "./factory.ts";
import { hasDirectives } from "./has-directives.ts";
import type { PluginOptions } from "./plugin-options.ts";
import { createState } from "./plugin-state.ts";

/**
 * The Farm plugin.
 *
 * @example
 * import perdure from "@perdure/compiler/farm";
 * export default { compilation: { input: { index: "src/server.ts" }, output: { targetEnv: "node" } }, plugins: [...perdure()] };
 */
const plugin = (options?: PluginOptions): JsPlugin[] => [...[createPlugin(options)].flat(), keepRegistrations];

export default plugin;
export type { PluginOptions };

const createPlugin = createFarmPlugin<PluginOptions | undefined, false>((options) => {
  const state = createState(options);
  return { ...createHooks(state), ...manifestAtEnd(state) };
});

const CALLER = "perdure:keep-registrations";

/** Resolves as Farm does, and says which modules must stay although their package.json does not. */
const keepRegistrations: JsPlugin = {
  name: CALLER,
  priority: 101,
  resolve: {
    filters: { sources: [".*"], importers: [".*"] },
    async executor(param, context, hook) {
      // Whoever else asks in turn is appended.
      if (!context || hook?.caller?.includes(CALLER) === true) return null;
      const found = await context.resolve(param, { meta: {}, caller: CALLER }).catch(() => null);
      if (found === null || found.external === true || found.sideEffects === true || !hasDirectives(found.resolvedPath)) return null;
      return { ...found, sideEffects: true };
    },
  },
};
