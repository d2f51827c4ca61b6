import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
// @ts-expect-error: the scripts are plain JavaScript
import { pack } from "../../scripts/pack.mjs";

const root = fileURLToPath(new URL("../../", import.meta.url));
const files = fileURLToPath(new URL("../apps/installed/", import.meta.url));
const packages = ["world", "world-sqlite", "world-postgres", "compiler", "perdure", "cli"];
const bundlers = ["vite", "esbuild"];

/** A folder outside the repository in which the packed packages are installed, as a user would have them. */
export interface InstalledApp {
  /** Runs Node in the folder, with an empty World of its own. Resolves with standard output; rejects when Node fails or takes a minute. */
  node(...args: string[]): Promise<string>;
  /** Takes a package away, if it is there. */
  uninstall(name: string): Promise<void>;
  remove(): Promise<void>;
}

/** The version of a development dependency that the repository itself has, so that npm finds it in its cache. */
async function versionHere(name: string): Promise<string> {
  const manifest = JSON.parse(await readFile(join(root, "node_modules", name, "package.json"), "utf8")) as { version: string };
  return `${name}@${manifest.version}`;
}

/** Runs a program. Resolves with its standard output; rejects with all that it printed when it fails or takes too long. */
function run(folder: string, command: string, args: string[], timeout: number): Promise<string> {
  // A test runner's own settings must not reach the app.
  const { NODE_OPTIONS: _options, NODE_ENV: _env, VITEST: _vitest, ...others } = process.env;
  const options = { cwd: folder, timeout, env: { ...others, NO_COLOR: "1", FORCE_COLOR: "0" }, shell: process.platform === "win32" };
  return new Promise((resolve, reject) => {
    execFile(command, args, options, (error, stdout, stderr) => {
      if (error) reject(new Error(`${command} ${args.join(" ")} failed (${error.signal ?? error.code})\n${stdout}${stderr}`));
      else resolve(stdout);
    });
  });
}

/** Packs our packages, installs them and the bundlers into a new folder with nothing but a package.json, and adds the app's files. */
export async function installApp(): Promise<InstalledApp> {
  const folder = await mkdtemp(join(tmpdir(), "perdure-app-"));
  const tarballs = join(folder, "tarballs");
  await mkdir(tarballs);
  await writeFile(join(folder, "package.json"), JSON.stringify({ name: "shop", private: true, type: "module" }));
  const packed = packages.map((name) => (pack(join(root, "packages", name), tarballs) as { tarball: string }).tarball);
  const others = await Promise.all(bundlers.map(versionHere));
  await run(folder, "npm", ["install", "--no-audit", "--no-fund", "--prefer-offline", ...packed, ...others], 120_000);
  await cp(files, folder, { recursive: true });
  return {
    async node(...args) {
      await rm(join(folder, ".perdure"), { recursive: true, force: true });
      return run(folder, process.execPath, args, 60_000);
    },
    uninstall: (name) => rm(join(folder, "node_modules", name), { recursive: true, force: true }),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
