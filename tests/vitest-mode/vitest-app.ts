/** The application in `tests/apps/vitest`, tested by Vitest as its author would, with the compiler and the runtime from their sources. */
import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { root } from "../repository.ts";

export interface VitestApp {
  readonly folder: string;
  /** Runs `vitest run` with arguments. Resolves with what it printed and whether it passed. */
  run(...args: string[]): Promise<{ readonly passed: boolean; readonly output: string }>;
  remove(): void;
}

/** @param options the plugin's options, as source text */
export async function vitestApp(options = ""): Promise<VitestApp> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "perdure-vitest-")));
  cpSync(join(root, "tests/apps/vitest"), folder, { recursive: true });
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  await build({
    entryPoints: [join(root, "packages/compiler/src/plugins/vite.ts")],
    outfile: join(folder, "perdure-vite.mjs"),
    bundle: true,
    platform: "node",
    format: "esm",
    packages: "external",
  });
  writeFileSync(join(folder, "vitest.config.ts"), configText(options));
  return {
    folder,
    run: (...args) => run(folder, args),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** All that an author writes are the plugin and its import; the conditions are what makes packages resolve to their sources. */
function configText(options: string): string {
  return `
import perdure from "./perdure-vite.mjs";
const conditions = ["@perdure/source", "module", "node", "development|production"];
export default {
  plugins: [perdure(${options})],
  resolve: { conditions },
  ssr: { resolve: { conditions } },
};`;
}

function run(folder: string, args: readonly string[]): Promise<{ passed: boolean; output: string }> {
  // A test runner's own settings must not reach the app.
  const { NODE_OPTIONS: _options, NODE_ENV: _env, VITEST: _vitest, PERDURE_WORLD: _world, ...others } = process.env;
  const vitest = join(root, "node_modules/vitest/vitest.mjs");
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [vitest, "run", "--no-color", ...args],
      { cwd: folder, timeout: 120_000, env: { ...others, NO_COLOR: "1" } },
      (error, stdout, stderr) => resolve({ passed: error === null, output: stdout + stderr }),
    );
  });
}
