import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { describe, expect, test, vi } from "vitest";
import { type TemporaryApp, createApp } from "./temporary-app.ts";

// Bundlers and processes start slowly on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

// Node 20 cannot load our sources, so these run the build.
const register = path.join(path.dirname(fileURLToPath(import.meta.url)), "../dist/register/index.js");
const isBuilt = existsSync(register);

async function runNode({ root }: TemporaryApp, ...args: string[]): Promise<{ stdout: string; stderr: string; code: number }> {
  const command = ["--import", pathToFileURL(register).href, ...args];
  try {
    return { ...(await promisify(execFile)(process.execPath, command, { cwd: root, timeout: 20_000 })), code: 0 };
  } catch (error) {
    const { stdout, stderr, code } = error as { stdout: string; stderr: string; code: number };
    return { stdout, stderr, code };
  }
}

const order = `import { sleep } from "perdure";
import { format } from "./format.js";
enum Color { Red, Green }
type Order = { id: number };
export async function charge(order: Order): Promise<string> {
  "use step";
  throw new Error("from charge " + Color.Green + order.id);
}
export async function fulfil(order: Order) {
  "use workflow";
  const fee = 3;
  async function note(text: string) {
    "use step";
    throw new Error(text + fee);
  }
  await sleep("1h");
  await charge(order);
  await note(format("done"));
}
`;

describe.skipIf(!isBuilt)("node --import @perdure/compiler/register", () => {
  test("runs TypeScript: steps are registered, workflows have bundles, stack traces show the source", async () => {
    const app = createApp({
      "src/order.ts": order,
      "src/format.ts": `export const format = (text: string): string => text;`,
      "app.ts": `import { charge, fulfil } from "./src/order.ts";
const registry = (globalThis as any).registry;
console.log(JSON.stringify([...registry.keys()]), registry.get("shop/src/order.ts#fulfil").bundle.version.length);
await charge({ id: 1 }).catch((error: Error) => console.log(error.stack));
await registry.get("shop/src/order.ts#fulfil/note").factory({ fee: 3 })("x").catch((error: Error) => console.log(error.stack));
await fulfil({ id: 1 }).catch((error: Error) => console.log(error.message));
`,
    });
    const { stdout, stderr, code } = await runNode(app, "app.ts");
    expect(stderr).toBe("");
    expect(code).toBe(0);
    expect(stdout).toContain('["shop/src/order.ts#charge","shop/src/order.ts#fulfil","shop/src/order.ts#fulfil/note"] 64');
    expect(stdout).toMatch(/Error: from charge 11\n {4}at charge \(.*src\/order\.ts:7:9\)/);
    expect(stdout).toMatch(/Error: x3\n {4}at note \(.*src\/order\.ts:14:11\)/);
    expect(stdout).toContain("workflow called: shop/src/order.ts#fulfil");
  });

  test("leaves esbuild to whoever else uses it in the process", async () => {
    const esbuild = import.meta.resolve("esbuild");
    const app = createApp({
      "src/order.ts": order,
      "src/format.ts": `export const format = (text: string): string => text;`,
      "app.ts": `import "./src/order.ts";
import { transform } from ${JSON.stringify(esbuild)};
const large = "export const a: number = 1;\\n".repeat(200_000).replaceAll("a:", () => "a" + Math.random().toString(36).slice(2) + ":");
const end = Date.now() + 1500;
while (Date.now() < end) await transform(large, { loader: "ts" });
console.log("transformed");
`,
    });
    expect(await runNode(app, "app.ts")).toEqual({ stdout: "transformed\n", stderr: "", code: 0 });
  });

  test("runs JavaScript, and leaves other modules alone", async () => {
    const app = createApp({
      "app.js": `import data from "./data.json" with { type: "json" };
import common from "./common.cjs";
export async function step() { "use step"; return data.x + common.y; }
console.log([...globalThis.registry.keys()], await step());
`,
      "data.json": `{ "x": 1 }`,
      "common.cjs": `module.exports = { y: 2 };`,
    });
    expect(await runNode(app, "--no-warnings", "app.js")).toEqual({ stdout: "[ 'shop/app.js#step' ] 3\n", stderr: "", code: 0 });
  });

  test("a mistake stops the program with its place and frame", async () => {
    const app = createApp({ "app.ts": `export async function a() {\n  "use setp";\n}\n` });
    const { stderr, code } = await runNode(app, "app.ts");
    expect(code).toBe(1);
    expect(stderr).toMatch(/app\.ts:2:3\nDIRECTIVE_TYPO/);
    expect(stderr).toContain('> 2 |   "use setp";');
  });

  test("a workflow that cannot be bundled stops the program", async () => {
    const app = createApp({ "app.ts": `import { cpus } from "node:os";\nexport async function a() { "use workflow"; return cpus(); }\n` });
    const { stderr, code } = await runNode(app, "app.ts");
    expect(code).toBe(1);
    expect(stderr).toContain("BUNDLE_HOST_MODULE");
  });

  test("module syntax in a CommonJS package is explained", async () => {
    const app = createApp({
      "package.json": JSON.stringify({ name: "shop", type: "commonjs" }),
      "app.ts": `import { x } from "./x.ts";\nconsole.log(x);\n`,
    });
    const { stderr, code } = await runNode(app, "app.ts");
    expect(code).toBe(1);
    expect(stderr).toContain("TYPESCRIPT_MODULE_TYPE");
    expect(stderr).toContain('Add "type": "module"');
  });

  test("CommonJS in TypeScript runs", async () => {
    const app = createApp({
      "app.ts": `import { y } from "./y.cts";\nconsole.log(y);\n`,
      "y.cts": `const y: number = 2;\nmodule.exports = { y };\n`,
    });
    expect((await runNode(app, "app.ts")).stdout).toBe("2\n");
  });

  test("a file with directives is a module, also without import and export", async () => {
    const app = createApp({
      "package.json": JSON.stringify({ name: "shop" }),
      "app.ts": `async function a() {\n  "use step";\n  return 1;\n}\na().then(console.log);\n`,
    });
    expect(await runNode(app, "app.ts")).toMatchObject({ stdout: "1\n", code: 0 });
    app.write({ "package.json": JSON.stringify({ name: "shop", type: "commonjs" }) });
    expect((await runNode(app, "app.ts")).stderr).toContain("TYPESCRIPT_MODULE_TYPE");
  });

  test("virtual:perdure loads every module of the package with workflows or steps, and no other", async () => {
    const app = createApp({
      "worker.ts": `import "virtual:perdure";\nconsole.log([...(globalThis as any).registry.keys()].join());\n`,
      "src/a.ts": `export async function a() { "use step"; }\n`,
      "src/b.ts": `export async function b() { "use workflow"; }\n`,
      "src/c.ts": `// "use step"\nthrow new Error("loaded");\n`,
      "dist/a.js": `throw new Error("loaded");\nexport async function a() { "use step"; }\n`,
    });
    expect(await runNode(app, "--no-warnings", "worker.ts")).toEqual({ stdout: "shop/src/a.ts#a,shop/src/b.ts#b\n", stderr: "", code: 0 });
  });

  test("two versions of a package with the same step stop the program", async () => {
    const lib = JSON.stringify({ name: "lib", type: "module", main: "a.js" });
    const step = (n: number) => `export async function a() { "use step"; return ${n}; }\n`;
    const app = createApp({
      "app.ts": `import "lib";\nimport "./sub/b.ts";\n`,
      "sub/b.ts": `import "lib";\n`,
      "node_modules/lib/package.json": lib,
      "node_modules/lib/a.js": step(1),
      "sub/node_modules/lib/package.json": lib,
      "sub/node_modules/lib/a.js": step(2),
    });
    const { stderr, code } = await runNode(app, "app.ts");
    expect(code).toBe(1);
    expect(stderr).toContain("DUPLICATE_ID_IN_BUILD");
    app.write({ "sub/node_modules/lib/a.js": step(1) });
    expect((await runNode(app, "app.ts")).code).toBe(0);
  });

  test("the program ends when it is done", async () => {
    const app = createApp({ "app.ts": `export async function a() { "use workflow"; }\nconsole.log("ran");\n` });
    const begin = performance.now();
    expect(await runNode(app, "app.ts")).toMatchObject({ stdout: "ran\n", code: 0 });
    expect(performance.now() - begin).toBeLessThan(10_000);
  });
});
