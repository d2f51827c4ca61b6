import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

import { partsOf } from "./sources.ts";
import type { Tree } from "./tree.ts";

const folder = fileURLToPath(new URL("../../peers/compile/", import.meta.url));

/** `@workflow/builders` with `@workflow/swc-plugin`, doing what ours do. */
export interface Peer {
  /** Where its packages are. */
  readonly nodeModules: string;
  /** The URL of its package. */
  readonly builders: string;
  scan(tree: Tree): Promise<void>;
  transform(code: string, mode: "step" | "workflow"): Promise<void>;
  /** Bundles the workflows of an app once; the function that it resolves with does so again, as its dev server would. */
  watch(root: string): Promise<{ rebuild(): Promise<string>; dispose(): Promise<void> }>;
}

/** The parts of `@workflow/builders` 4.1 that are used; some are protected members there. */
interface Builders {
  readonly StandaloneBuilder: new (config: object) => Builder;
  applySwcTransform(
    file: string,
    code: string,
    mode: "step" | "workflow",
    absolute: string,
    root: string,
  ): Promise<{ readonly code: string }>;
}
interface Builder {
  getInputFiles(): Promise<string[]>;
  discoverEntries(
    inputs: string[],
    outdir: string,
  ): Promise<{ readonly discoveredSteps: Iterable<string>; readonly discoveredWorkflows: Iterable<string> }>;
  createWorkflowsBundle(options: object): Promise<{ readonly interimBundleCtx: Context }>;
}
interface Context {
  rebuild(): Promise<{ readonly outputFiles?: readonly { readonly text: string }[] }>;
  dispose(): Promise<void>;
}

/** Loads the peer, which the first call installs from the registry. Or says why there is none. */
export async function loadPeer(): Promise<Peer | string> {
  const nodeModules = path.join(folder, "node_modules");
  const entry = path.join(nodeModules, "@workflow/builders/dist/index.js");
  if (!existsSync(entry)) {
    console.error("Installing the peers' packages into bench/peers/compile …");
    const options = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock", "--workspaces=false"];
    const { status, stderr, error } = spawnSync("npm", ["install", ...options], {
      cwd: folder,
      encoding: "utf8",
      timeout: 300_000,
      shell: process.platform === "win32",
    });
    if (status !== 0 || !existsSync(entry))
      return `npm could not install them: ${error?.message ?? stderr.trim().split("\n").at(0) ?? "no reason given"}`;
  }
  const builders = pathToFileURL(entry).href;
  const loaded = (await import(builders)) as Builders;
  return {
    nodeModules,
    builders,
    scan: (tree) => scan(loaded, tree),
    transform: (code, mode) => transform(loaded, code, mode),
    watch: (root) => watch(loaded, root),
  };
}

const createBuilder = ({ StandaloneBuilder }: Builders, root: string): Builder =>
  new StandaloneBuilder({ buildTarget: "standalone", workingDir: root, dirs: ["."], suppressCreateWorkflowsBundleLogs: true });

async function scan(builders: Builders, tree: Tree): Promise<void> {
  // A new builder each time: one keeps what it has found for the same list of files.
  const builder = createBuilder(builders, tree.root);
  const inputs = await builder.getInputFiles();
  const { discoveredSteps, discoveredWorkflows } = await builder.discoverEntries(inputs, path.join(tree.root, "out"));
  const found = new Set([...discoveredSteps, ...discoveredWorkflows].filter((file) => file.startsWith(tree.root)));
  if (found.size !== tree.marked.length) throw new Error(`The peer's scan found ${found.size} files instead of ${tree.marked.length}.`);
}

async function transform({ applySwcTransform }: Builders, code: string, mode: "step" | "workflow"): Promise<void> {
  const result = await applySwcTransform("src/order.ts", code, mode, path.join(folder, "src/order.ts"), folder);
  const ids = new Set(result.code.match(/"workflow\/\/[^"]*"|workflow\/\/\.\/src\/order\/\/\w+/g) ?? []);
  if (ids.size < partsOf(code)) throw new Error(`The peer's ${mode} transform names ${ids.size} workflows instead of ${partsOf(code)}.`);
}

async function watch(builders: Builders, root: string): Promise<{ rebuild(): Promise<string>; dispose(): Promise<void> }> {
  const builder = createBuilder(builders, root);
  mkdirSync(path.join(root, "out"), { recursive: true });
  const inputFiles = await builder.getInputFiles();
  const options = { outfile: path.join(root, "out/workflows.mjs"), inputFiles, bundleFinalOutput: false, keepInterimBundleContext: true };
  const { interimBundleCtx } = await builder.createWorkflowsBundle(options);
  return {
    async rebuild() {
      const { outputFiles } = await interimBundleCtx.rebuild();
      const text = outputFiles?.[0]?.text;
      if (!text?.includes("fulfilOrder")) throw new Error("The peer's bundle has no workflow.");
      return text;
    },
    dispose: () => interimBundleCtx.dispose(),
  };
}
