import type { SourceMap } from "magic-string";
import { hasDirectives } from "./has-directives.ts";
import type { PluginOptions } from "./plugin-options.ts";
import { type PluginState, type Watcher, createState } from "./plugin-state.ts";

/** What webpack and Rspack have in common of their loaders' contexts. */
interface LoaderHost extends Watcher {
  getNativeBuildContext?: (() => unknown) | undefined;
}

/** The state of a plugin for webpack or Rspack. */
export function createWebpackState(options: PluginOptions | undefined): PluginState {
  return { ...createState(options), watchFolders, finish: withInlineMap };
}

// How the names of our virtual modules begin when they have become names of files.
const virtualFile = encodeURIComponent("\0virtual:perdure");

/** A rule for modules with directives, and for ours, which a package.json above them must not make unneeded either. */
export const keepsRegistrations = {
  test: (file: string): boolean => file.includes(virtualFile) || hasDirectives(file),
  sideEffects: true,
} as const;

interface LoaderContext {
  addContextDependency(folder: string): void;
  cacheable(flag: boolean): void;
}

/** Has folders watched, and the module loaded with every build: a cache may be older than a file that has come since. */
function watchFolders(host: LoaderHost, folders: readonly string[]): void {
  const { loaderContext } = (host.getNativeBuildContext?.() ?? {}) as { loaderContext?: LoaderContext };
  for (const folder of folders) loaderContext?.addContextDependency(folder);
  loaderContext?.cacheable(false);
}

/**
 * Gives the source map of TypeScript once more, at its end: some loaders for it read the map there (esbuild) instead of taking the one
 * that webpack hands them. The next loader removes the comment with the types.
 */
function withInlineMap(code: string, map: SourceMap, file: string): string {
  return /\.(?:[cm]?ts|tsx)$/.test(file) ? `${code}\n//# sourceMappingURL=${map.toUrl()}` : code;
}
