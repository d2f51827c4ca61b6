import type { SourceMapInput } from "@jridgewell/remapping";
import { createBunPlugin } from "unplugin";
import { fileKey } from "../bundle/file-key.ts";
import { manifestAtEnd } from "./build-manifest.ts";
import { type BunBuildResult, continueSourceMaps } from "./bun-source-maps.ts";
import { createHooks } from "./factory.ts";
import type { PluginOptions } from "./plugin-options.ts";
import { createState } from "./plugin-state.ts";

/** A plugin as Bun knows it, as far as we make one; its own types are global and would reach everybody. */
export interface BunPlugin {
  name: string;
  setup(build: never): void | Promise<void>;
}

/**
 * The plugin for Bun's bundler, which runs in Bun only.
 *
 * @example
 * import perdure from "@perdure/compiler/bun";
 * await Bun.build({ entrypoints: ["src/server.ts"], outdir: "dist", target: "node", plugins: [perdure()] });
 */
const plugin: (options?: PluginOptions) => BunPlugin = createBunPlugin<PluginOptions | undefined, false>((options) => {
  const maps = new Map<string, SourceMapInput>();
  const state = createState(options);
  state.finish = (code, map, file) => {
    maps.set(fileKey(file), map.toString());
    return code;
  };
  const onEnd = (result: BunBuildResult) => continueSourceMaps(result, maps);
  return {
    ...createHooks(state),
    ...manifestAtEnd(state),
    bun: { setup: (build: { onEnd(end: typeof onEnd): void }) => build.onEnd(onEnd) },
  };
});

export default plugin;
export type { PluginOptions };
