import { type BuildOptions, build } from "esbuild";
import { execFileSync } from "node:child_process";
import path from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { type InlineConfig, build as viteBuild, createServer } from "vite";
import esbuildPlugin from "../src/plugins/esbuild.ts";
import vitePlugin from "../src/plugins/vite.ts";
import { createApp } from "./temporary-app.ts";

// Bundlers and processes start slowly on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

const app = {
  "src/main.ts": `
import { registry } from "./registry.ts";
import { charge, type Order } from "./order.ts";
import "./order.ts";
const entries = [...registry()].map(([id, { kind, bundle }]) => [id, kind, bundle?.version?.length, bundle?.code.length]);
console.log(JSON.stringify({ entries, charged: await charge({ id: "o" } satisfies Order) }));
`,
  "src/registry.ts": `export const registry = () => (globalThis as unknown as { registry: Map<string, { kind: string; bundle?: { code: string; version: string } }> }).registry;`,
  "src/order.ts": `
import { ship } from "./ship.ts";
export interface Order { id: string }
enum Prefix { Paid = "paid" }
export async function charge(order: Order): Promise<string> { "use step"; return \`\${Prefix.Paid} \${order.id}\`; }
export async function fulfil(order: Order) { "use workflow"; await ship(order.id); return charge(order); }
`,
  "src/ship.ts": `export async function ship(id: string) { "use step"; return id; }`,
};

const expectedEntries = [
  ["shop/src/ship.ts#ship", "step", null, null],
  ["shop/src/order.ts#charge", "step", null, null],
  ["shop/src/order.ts#fulfil", "workflow", 64, expect.any(Number)],
];

const run = (file: string) => JSON.parse(execFileSync(process.execPath, [file], { encoding: "utf8" })) as unknown;

const viteConfig = (root: string, config: InlineConfig = {}): InlineConfig => ({
  root,
  configFile: false,
  logLevel: "silent",
  plugins: [vitePlugin()],
  build: { ssr: "src/main.ts", outDir: "out", minify: false, target: "node20" },
  ssr: { noExternal: true },
  ...config,
});

test("esbuild builds an application whose steps are registered and whose workflows have bundles", async () => {
  const { root, file } = createApp(app);
  await build({
    absWorkingDir: root,
    entryPoints: ["src/main.ts"],
    outfile: "out/main.mjs",
    bundle: true,
    platform: "node",
    format: "esm",
    logLevel: "silent",
    plugins: [esbuildPlugin()],
  });
  expect(run(file("out/main.mjs"))).toEqual({ entries: expectedEntries, charged: "paid o" });
});

test("vite build --ssr does the same", async () => {
  const { root, file } = createApp(app);
  await viteBuild(viteConfig(root));
  expect(run(file("out/main.js"))).toEqual({ entries: expectedEntries, charged: "paid o" });
});

test.each(["esbuild", "vite"])("steps of a package that calls itself free of side effects are registered under %s", async (bundler) => {
  const { root, file } = createApp({ ...app, "package.json": JSON.stringify({ name: "shop", type: "module", sideEffects: false }) });
  if (bundler === "vite") await viteBuild(viteConfig(root));
  else {
    const options = {
      bundle: true,
      platform: "node",
      format: "esm",
      logLevel: "silent" as const,
      plugins: [esbuildPlugin()],
    } satisfies BuildOptions;
    await build({ absWorkingDir: root, entryPoints: ["src/main.ts"], outfile: "out/main.js", ...options });
  }
  expect(run(file("out/main.js"))).toEqual({ entries: expectedEntries, charged: "paid o" });
});

test.each(["esbuild", "vite"])(
  "classes whose instances can be stored are registered under %s, also in modules without directives",
  async (bundler) => {
    const stored = `static [Symbol.for("workflow-serialize")]() { return 1; } static [Symbol.for("workflow-deserialize")]() { return 2; }`;
    const { root, file } = createApp({
      "src/main.ts": `import { Money } from "./money.ts";
console.log(JSON.stringify([...(globalThis as any).registry].map(([id, { fn }]) => [id, fn === Money])));\n`,
      "src/money.ts": `export class Money { ${stored} }\n`,
    });
    if (bundler === "vite") await viteBuild(viteConfig(root));
    else {
      const options = { bundle: true, platform: "node", format: "esm", logLevel: "silent" as const } satisfies BuildOptions;
      await build({ absWorkingDir: root, entryPoints: ["src/main.ts"], outfile: "out/main.js", ...options, plugins: [esbuildPlugin()] });
    }
    expect(run(file("out/main.js"))).toEqual([["shop/src/money.ts#Money", true]]);
  },
);

const broken = { ...app, "src/ship.ts": `export async function ship(id: string) {\n  "use setp";\n  return id;\n}\n` };

test("a mistake fails an esbuild build with its place and frame", async () => {
  const { root } = createApp(broken);
  const options = {
    bundle: true,
    platform: "node",
    format: "esm",
    logLevel: "silent",
    write: false,
    plugins: [esbuildPlugin()],
  } satisfies BuildOptions;
  const error = await build({ absWorkingDir: root, entryPoints: ["src/main.ts"], ...options }).catch((reason: unknown) => reason);
  const { errors } = error as { errors: { text: string; location: { file: string; line: number; column: number } }[] };
  const own = errors.find(({ text }) => text.includes("DIRECTIVE_TYPO") && text.includes('> 2 |   "use setp";'));
  expect(own?.location).toMatchObject({ line: 2, column: 2 });
});

test("a mistake fails a Vite build with its place and frame", async () => {
  const { root } = createApp(broken);
  await expect(viteBuild(viteConfig(root))).rejects.toThrow(/ship\.ts:2:3\nDIRECTIVE_TYPO[^]*> 2 \|   "use setp";/);
});

test("a bundle that cannot be built fails the build with the chain of imports", async () => {
  const { root } = createApp({
    ...app,
    "src/ship.ts": `import { hostname } from "node:os";\nexport const ship = async (id: string) => hostname() + id;\n`,
  });
  await expect(viteBuild(viteConfig(root))).rejects.toThrow(/BUNDLE_HOST_MODULE[^]*src\/order\.ts -> src\/ship\.ts/);
});

const worded = {
  ...app,
  "src/order.ts": `import { word } from "./word.ts";
export async function note() { "use step"; return 1; }
export async function fulfil() { "use workflow"; await note(); return word; }
`,
  "src/word.ts": `export const word = "before";\n`,
};

/** A development server, the code of whose workflow can be asked for, and which can be told of a change. */
async function develop(hmr: boolean) {
  const created = createApp(worded);
  const config = viteConfig(created.root, { server: { middlewareMode: true, ws: false, ...(hmr ? {} : { hmr: false }) } });
  const server = await createServer(config);
  onTestFinished(() => server.close());
  const bundlesModule = () => [...server.environments.ssr.moduleGraph.idToModuleMap.values()].find(({ id }) => id?.endsWith("/bundles"));
  return {
    bundle: async () => {
      await server.ssrLoadModule("/src/order.ts");
      const { registry } = (await server.ssrLoadModule("/src/registry.ts")) as {
        registry: () => Map<string, { bundle: { code: string } }>;
      };
      return registry().get("shop/src/order.ts#fulfil")?.bundle.code;
    },
    isStale: () => bundlesModule()?.transformResult === null,
    isOrderStale: () =>
      [...(server.environments.ssr.moduleGraph.getModulesByFile(created.file("src/order.ts")) ?? [])].some(
        (module) => module.transformResult === null,
      ),
    change(name: string, text: string) {
      created.write({ [name]: text });
      expect(server.watcher.listenerCount("change")).toBeGreaterThan(0);
      server.watcher.emit("change", path.normalize(created.file(name)));
    },
  };
}

test.each([true, false])("in vite dev, a change of a file that a bundle came from renews the bundle (hmr: %s)", async (hmr) => {
  const { bundle, change } = await develop(hmr);
  expect(await bundle()).toContain("before");
  change("src/word.ts", `export const word = "after";\n`);
  await expect.poll(bundle).toContain("after");
});

test("in vite dev, a change of a step's body leaves the bundles as they are", async () => {
  const { bundle, change, isStale, isOrderStale } = await develop(true);
  await bundle();
  change("src/order.ts", worded["src/order.ts"].replace("return 1", "return 2 /* more */"));
  await expect.poll(isOrderStale).toBe(true);
  expect(isStale()).toBe(false);
  change("src/word.ts", `export const word = "after";\n`);
  await expect.poll(isStale).toBe(true);
});

test("in vite dev, virtual:perdure follows files with directives as they come and go", async () => {
  const { root, file, write } = createApp({
    ...app,
    "src/worker.ts": `import "virtual:perdure";\nexport { registry } from "./registry.ts";\n`,
  });
  const server = await createServer({
    ...viteConfig(root, { server: { middlewareMode: true, ws: false } }),
    plugins: [vitePlugin({ include: [root] })],
  });
  onTestFinished(() => server.close());
  const loaded = async () => {
    await server.ssrLoadModule("/src/worker.ts");
    const { idToModuleMap } = server.environments.ssr.moduleGraph;
    const all = [...idToModuleMap.values()].find(({ id }) => id === "\0virtual:perdure");
    return [...(all?.importedModules ?? [])].map(({ file: path }) => path).sort();
  };
  const both = [file("src/order.ts"), file("src/ship.ts")];
  expect(await loaded()).toEqual(both);
  write({ "src/audit.ts": `export async function audit() { "use step"; }\n` });
  server.watcher.emit("add", file("src/audit.ts"));
  await expect.poll(loaded).toEqual([file("src/audit.ts"), ...both]);
  write({ "src/audit.ts": `export async function audit() {}\n` });
  server.watcher.emit("change", file("src/audit.ts"));
  await expect.poll(loaded).toEqual(both);
});

test("two packages of one name that declare the same step fail the build", async () => {
  const step = (text: string) => `export async function seal() { "use step"; return "${text}"; }\n`;
  const files = (second: string) => ({
    ...app,
    "src/main.ts": `import "../a/seal.js";\nimport "../b/seal.js";\n`,
    "a/package.json": `{ "name": "seals", "type": "module" }`,
    "a/seal.js": step("one"),
    "b/package.json": `{ "name": "seals", "type": "module" }`,
    "b/seal.js": step(second),
  });
  const clash = createApp(files("two"));
  await expect(viteBuild(viteConfig(clash.root))).rejects.toThrow(
    /DUPLICATE_ID_IN_BUILD[^]*seals\/seal\.js#seal: \S*[ab]\/seal\.js and \S*[ab]\/seal\.js/,
  );
  await viteBuild(viteConfig(createApp(files("one")).root));
});
