/** The application in tests/apps/bundled, in a folder of its own outside the repository. */
import { execFile } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, realpathSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { root } from "../repository.ts";

const here = dirname(fileURLToPath(import.meta.url));

/** A script of this folder. */
export const script = (name: string): string => join(here, name);

/** Whether the packages have been built: bundlers load them as users do. */
export const isBuilt = existsSync(join(root, "packages/compiler/dist"));

/** Bun's executable from the package for this platform, or null where there is none. */
export function findBun(): string | null {
  const name = process.platform === "win32" ? "bun.exe" : "bun";
  const arch = process.arch === "arm64" ? "aarch64" : process.arch;
  const system = process.platform === "win32" ? "windows" : process.platform;
  try {
    return createRequire(import.meta.url).resolve(`@oven/bun-${system}-${arch}/bin/${name}`);
  } catch {
    return null;
  }
}

export interface BundledApp {
  readonly folder: string;
  /** Runs a program in the folder. `world` names the file of its runs. Resolves with standard output; rejects with everything. */
  run(world: string, program: string, ...args: string[]): Promise<string>;
  /** The file with this name, whatever its extension for JavaScript. */
  script(name: string): string;
  remove(): void;
}

export function createBundledApp(): BundledApp {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "perdure-bundled-")));
  cpSync(join(root, "tests/apps/bundled"), folder, { recursive: true });
  mkdirSync(join(folder, "node_modules"));
  renameSync(join(folder, "seals"), join(folder, "node_modules/seals"));
  for (const name of ["@perdure", "@types", "vitest", "tsx"])
    symlinkSync(join(root, "node_modules", name), join(folder, "node_modules", name));
  symlinkSync(join(root, "packages/perdure"), join(folder, "node_modules/perdure"));
  return {
    folder,
    run: (world, program, ...args) => run(folder, world, program, args),
    script: (name) => [".js", ".mjs"].map((extension) => name + extension).find((file) => existsSync(join(folder, file))) ?? name,
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** What the runner's own settings would change in a program that it starts. */
const runnerSettings = ["NODE_OPTIONS", "NODE_ENV", "VITEST", "VITEST_MODE", "TEST", "DEV", "PROD", "SSR", "MODE", "BASE_URL"];

function run(cwd: string, world: string, program: string, args: string[]): Promise<string> {
  const inherited = Object.entries(process.env).filter(([name]) => !runnerSettings.includes(name) && !name.startsWith("VITEST_"));
  const env = { ...Object.fromEntries(inherited), NO_COLOR: "1", FORCE_COLOR: "0", PERDURE_WORLD: `sqlite:./.worlds/${world}.db` };
  return new Promise((resolve, reject) => {
    execFile(program, args, { cwd, env, timeout: 60_000, killSignal: "SIGKILL" }, (error, stdout, stderr) => {
      if (error) reject(new Error(`${program} ${args.join(" ")} failed (${error.signal ?? error.code})\n${stdout}${stderr}`));
      else resolve(stdout);
    });
  });
}
