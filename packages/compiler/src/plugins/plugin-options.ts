import type { Renames } from "../renames/former-ids.ts";

/** Options of every bundler plugin. */
export interface PluginOptions {
  /** Further export conditions under which packages resolve in workflow bundles, beside `workflow`, `edge-light`, `browser` and `import`. */
  conditions?: readonly string[];
  /**
   * Packages whose modules are evaluated once per process and shared by all runs, beside those of the default list (docs/sandbox.md): names, `@scope/*`
   * for all of a scope; `!name` takes one off. They must keep no state between calls.
   */
  shared?: readonly string[];
  /**
   * The folders in which `virtual:perdure` looks for workflows and steps, relative to the folder of the application's package.json.
   * Default: the whole package.
   */
  include?: readonly string[];
  /** Former ids of functions or modules, with their present ones, beside those in the `perdure.renames.json` of each package. */
  renames?: Renames;
}
