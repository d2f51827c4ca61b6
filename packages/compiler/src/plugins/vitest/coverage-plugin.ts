import MagicString from "magic-string";
import type { Plugin } from "vite";

/** What the host target has in place of a workflow's body. */
const placeholder = /throw \$workflowCalled\d*\(/g;

/**
 * Leaves what stands for workflows in host modules out of the coverage: their bodies are counted where they run. Comes after the plugin that compiles.
 * @param isActive whether Vitest runs
 */
export function createCoveragePlugin(isActive: () => boolean): Plugin {
  return {
    name: "perdure:vitest-coverage",
    enforce: "pre",
    transform: {
      filter: { code: placeholder },
      handler(code) {
        if (!isActive()) return null;
        const text = new MagicString(code);
        for (const { index } of code.matchAll(placeholder)) text.appendLeft(index, "/* v8 ignore next -- @preserve */ ");
        return { code: text.toString(), map: text.generateMap({ hires: "boundary" }) };
      },
    },
  };
}
