import { defineConfig, type UserConfig } from "tsdown";

/**
 * The build of a package: one file in `dist` for each file in `src` that an entry reaches, with types and source maps, for the
 * Node version in the package's `engines`. Dependencies stay imports.
 */
export const packageConfig = (entry: string[]): UserConfig =>
  defineConfig({
    entry,
    unbundle: true,
    dts: true,
    sourcemap: true,
    fixedExtension: false,
    platform: "node",
    target: "node20",
    failOnWarn: true,
  });
