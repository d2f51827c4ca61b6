import { type BuildOptions, build } from "esbuild";
import { existsSync } from "node:fs";
import { expect, test, vi } from "vitest";
import { build as viteBuild } from "vite";
import type { BuildManifest } from "../src/bundle/index.ts";
import esbuildPlugin from "../src/plugins/esbuild.ts";
import vitePlugin from "../src/plugins/vite.ts";
import { type TemporaryApp, createApp } from "./temporary-app.ts";

// Bundlers and processes start slowly on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

const app = {
  "src/main.ts": `export * from "./flow.ts";\nexport * from "./more.ts";\n`,
  "src/flow.ts": `import { ship } from "./ship.ts";\nexport async function flow() { "use workflow"; ship(1); await ship(2); }\n`,
  "src/ship.ts": `export async function ship(id: number) { "use step"; return id; }\n`,
  "src/more.ts": `export async function more() { "use step"; }\n`,
};

const esbuildOptions = ({ file }: TemporaryApp): BuildOptions => ({
  absWorkingDir: file(""),
  entryPoints: ["src/main.ts"],
  outdir: file("out"),
  bundle: true,
  platform: "node",
  format: "esm",
  logLevel: "silent",
  plugins: [esbuildPlugin()],
});

const viteOptions = ({ root }: TemporaryApp, build: object) => ({
  root,
  configFile: false as const,
  logLevel: "silent" as const,
  plugins: [vitePlugin()],
  build: { outDir: "out", minify: false, target: "node20", ...build },
  ssr: { noExternal: true as const },
});

const manifestIn = ({ read }: TemporaryApp) => JSON.parse(read("out/perdure.manifest.json")) as BuildManifest;

test.each(["esbuild", "vite"])("%s writes the manifest of the application beside its output", async (bundler) => {
  const files = createApp(app);
  if (bundler === "vite") await viteBuild(viteOptions(files, { ssr: "src/main.ts" }));
  else await build(esbuildOptions(files));
  const manifest = manifestIn(files);
  expect(manifest.perdure).toBe(1);
  expect(manifest.workflows).toMatchObject([{ id: "shop/src/flow.ts#flow", steps: ["shop/src/ship.ts#ship"], graph: { graph: 1 } }]);
  expect(manifest.steps.map(({ id }) => id)).toEqual(["shop/src/more.ts#more", "shop/src/ship.ts#ship"]);
  expect(manifest.workflows[0]?.version).toMatch(/^[0-9a-f]{64}$/);
});

test("a build for browsers and one that writes nothing leave no manifest", async () => {
  const files = createApp(app);
  await viteBuild(viteOptions(files, { lib: { entry: "src/main.ts", formats: ["es"], fileName: "main" } }));
  await build({ ...esbuildOptions(files), write: false });
  expect(existsSync(files.file("out/main.js"))).toBe(true);
  expect(existsSync(files.file("out/perdure.manifest.json"))).toBe(false);
});

test("a bundler reports what is wrong with a bundle as a warning", async () => {
  const { warnings } = await build(esbuildOptions(createApp(app)));
  expect(warnings.map(({ text }) => text)).toEqual([expect.stringContaining("STEP_NOT_AWAITED: The workflow flow calls ship()")]);
});
