import { readFileSync } from "node:fs";
import { defineConfig, type UserConfig } from "tsdown";

/** All strings under the condition `@perdure/source` in a package's `exports`. */
function sources(exports: unknown): string[] {
  if (typeof exports !== "object" || exports === null) return [];
  return Object.entries(exports).flatMap(([key, value]) => (key === "@perdure/source" ? [String(value)] : sources(value)));
}

/**
 * The build of the package in the working directory: one file in `dist` for each file in `src` that an entry reaches, with types and
 * source maps. The entries are the sources that its `exports` name, and `extra` ones that no import reaches (a worker's file, say).
 * Dependencies stay imports.
 */
export function packageConfig(extra: string[] = []): UserConfig {
  const { exports } = JSON.parse(readFileSync("package.json", "utf8")) as { exports: unknown };
  return defineConfig({
    entry: [...sources(exports), ...extra],
    root: "src",
    unbundle: true,
    dts: true,
    sourcemap: true,
    platform: "node",
    target: "node20",
    fixedExtension: false,
    failOnWarn: true,
  });
}
