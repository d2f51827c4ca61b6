import { TraceMap, originalPositionFor } from "@jridgewell/trace-mapping";
import { expect, test, vi } from "vitest";
import { type BundleOptions, bundleWorkflows } from "../src/bundle/index.ts";
import type { CompileError } from "../src/index.ts";
import { type TemporaryApp, createApp, evaluate } from "./temporary-app.ts";

// Bundlers and processes start slowly on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

const packageOf = (name: string, modules: Record<string, string>, more: object = {}) => ({
  [`node_modules/${name}/package.json`]: JSON.stringify({ name, type: "module", exports: { ".": "./index.js", "./*": "./*" }, ...more }),
  ...Object.fromEntries(Object.entries(modules).map(([file, text]) => [`node_modules/${name}/${file}`, text])),
});

const lib = packageOf("lib", {
  "index.js": `export * from "./square.js";\nexport * from "./cube.js";\nexport const settings = { base: 1 };\nexport default function add(a, b) { return a + b; }\n`,
  "square.js": `import { times } from "times";\nexport const square = (x) => times(x, x);\n`,
  "cube.js": `export const cube = (x) => x * x * x;\nexport const enumeration = "enum";\nexport { enumeration as enum };\n`,
});
const times = packageOf("times", { "index.js": `export const times = (a, b) => a * b;\n` });

const workflow = (imports: string, result: string): string =>
  `${imports}\nexport async function a() {\n  "use workflow";\n  return ${result};\n}\n`;

/** The two parts of a bundle's text. */
function partsOf(code: string): { main: string; shared: string } {
  const length = Number(/^\/\*perdure:2 (\d+)\*\//.exec(code)?.[1] ?? 0);
  return { main: code.slice(0, code.length - length), shared: length === 0 ? "" : code.slice(-length) };
}

/** Evaluates both parts, as the runtime does. */
function call(code: string, ...args: unknown[]): Promise<unknown> {
  const { main, shared } = partsOf(code);
  if (shared === "") return evaluate(code, {})(...args);
  // eslint-disable-next-line no-eval
  const [one, two] = [main, shared].map((text) => (0, eval)(text) as (...given: unknown[]) => unknown);
  const workflow = one?.({}, two?.({})) as ((...given: unknown[]) => Promise<unknown>) | undefined;
  return workflow?.(...args) ?? Promise.reject(new Error("no workflow"));
}

async function bundle({ file }: TemporaryApp, options: BundleOptions = { shared: ["lib"] }) {
  const { bundles, ...others } = await bundleWorkflows(file("src/a.ts"), options);
  return { ...others, ...(bundles["shop/src/a.ts#a"] ?? { code: "", map: "{}", version: "" }) };
}

test("a shared package is a part of its own, with only what the workflow uses and what that imports", async () => {
  const app = createApp({ "src/a.ts": workflow(`import add, { square } from "lib";`, "add(square(3), 1)"), ...lib, ...times });
  const { code, inputs, warnings } = await bundle(app);
  const { main, shared } = partsOf(code);
  expect(main).toMatch(/^\/\*perdure:2 \d+\*\/\(function\(__perdure,__shared\)\{"use strict";\nconst\{\$0:add,\$1:square\}=__shared;/);
  expect(main).not.toContain("import");
  expect(shared).toMatch(/^\(function\(__perdure\)\{"use strict";\n.*return\{\$0:.*\}\}\)$/s);
  expect(shared).toContain("times");
  expect(shared).not.toMatch(/cube|base/);
  expect(await call(code)).toBe(10);
  expect(inputs).toEqual(expect.arrayContaining(["lib/square.js", "times/index.js"].map((name) => app.file(`node_modules/${name}`))));
  expect(warnings).toEqual([]);
});

test("without shared packages in it a bundle is what it was", async () => {
  const app = createApp({ "src/a.ts": workflow(`import { square } from "lib";`, "square(3)"), ...lib, ...times });
  const { code } = await bundle(app, {});
  expect(code).toMatch(/^\/\*perdure:1\*\/\(function\(__perdure\)\{"use strict";/);
  expect(await call(code)).toBe(9);
});

test("namespaces bring the members that are used, in whatever way they are written, and all of them where that is open", async () => {
  const app = createApp({
    "src/a.ts": workflow(`import * as lib from "lib";`, `[lib.cube(2), lib["enum"], lib?.cube(1)]`),
    ...lib,
    ...times,
  });
  const few = await bundle(app);
  expect(partsOf(few.code).shared).not.toMatch(/times|base/);
  expect(await call(few.code)).toEqual([8, "enum", 1]);
  app.write({ "src/a.ts": workflow(`import * as lib from "lib";`, `Object.keys(lib).sort()`) });
  expect(await call((await bundle(app)).code)).toEqual(["cube", "default", "enum", "enumeration", "settings", "square"]);
});

test("re-exports of the application lead to shared packages too", async () => {
  const app = createApp({
    "src/a.ts": workflow(`import { lib, cube, sq } from "./all.ts";`, `[lib.cube(2), cube(3), sq(2)]`),
    "src/all.ts": `export * from "lib";\nexport * as lib from "lib";\nexport { square as sq } from "lib";\n`,
    ...lib,
    ...times,
  });
  const { code } = await bundle(app);
  expect(partsOf(code).main).not.toContain("x*x");
  expect(await call(code)).toEqual([8, 27, 4]);
});

test("the version holds the shared code, and nothing that only a step or another workflow uses", async () => {
  const source = (step: string, other: string) =>
    `import { square, cube } from "lib";\nexport async function s() { "use step"; return ${step}; }
export async function a() { "use workflow"; return square(2); }\nexport async function b() { "use workflow"; return ${other}; }\n`;
  const app = createApp({ "src/a.ts": source("1", "1"), ...lib, ...times });
  const before = await bundle(app);
  app.write({ "src/a.ts": source("cube(2)", "cube(3)"), "node_modules/lib/cube.js": "export const cube = (x) => x ** 3;" });
  expect((await bundle(app)).version).toBe(before.version);
  app.write(packageOf("times", { "index.js": "export const times = (a, b) => b * a;" }));
  const after = await bundle(app);
  expect(after.version).not.toBe(before.version);
  expect(partsOf(after.code).main).toBe(partsOf(before.code).main);
});

test("its source map leads from both parts to the original files", async () => {
  const app = createApp({ "src/a.ts": workflow(`import { square } from "lib";`, "square(3)"), ...lib, ...times });
  const { code, map } = await bundle(app);
  const lines = code.split("\n");
  const place = (text: string) => {
    const line = lines.findIndex((content) => content.includes(text));
    return originalPositionFor(new TraceMap(map), { line: line + 1, column: lines[line]?.indexOf(text) ?? -1 });
  };
  expect(place("square(3)")).toMatchObject({ source: "src/a.ts", line: 4, column: 9 });
  expect(place("times(x,x)")).toMatchObject({ source: "node_modules/lib/square.js", line: 2, column: 29 });
  expect(place("a*b")).toMatchObject({ source: "node_modules/times/index.js", line: 1, column: 31 });
});

test("a package is not shared with a workflow that uses its state, and is with the others of the file", async () => {
  const app = createApp({
    "src/a.ts": `import _, { uniqueId } from "lodash-es";
export async function a() { "use workflow"; return [uniqueId(), _.sum([1, 2])]; }
export async function b() { "use workflow"; return _.sum([1]); }
export async function c() { "use workflow"; _.sum.cache = 1; return _.sum([1]); }
export async function d() { "use workflow"; const { uniqueId: next } = _; return next(); }
export async function e() { "use workflow"; return Object.assign(_, { more: 1 }).more; }
`,
    ...packageOf("lodash-es", {
      "index.js": `let id = 0;\nexport const uniqueId = () => ++id;\nexport const sum = (list) => list.reduce((a, b) => a + b, 0);\nexport default { sum, uniqueId };\n`,
    }),
  });
  const { bundles } = await bundleWorkflows(app.file("src/a.ts"));
  const shared = Object.entries(bundles).map(([id, { code }]) => [id.slice(-1), code.startsWith("/*perdure:2")]);
  expect(Object.fromEntries(shared)).toEqual({ a: false, b: true, c: false, d: false, e: false });
  expect(await call(bundles["shop/src/a.ts#a"]?.code ?? "")).toEqual([1, 3]);
});

test("the list takes scopes and takes packages off, but never the workflow's own package", async () => {
  const app = createApp({
    "src/a.ts": workflow(
      `import { one } from "@x/one";\nimport { two } from "@x/two";\nimport { z } from "zod";\nimport { own } from "./own.ts";`,
      "[one, two, z, own]",
    ),
    "src/own.ts": "export const own = [4];",
    ...packageOf("@x/one", { "index.js": "export const one = [1];" }),
    ...packageOf("@x/two", { "index.js": "export const two = [2];" }),
    ...packageOf("zod", { "index.js": "export const z = [3];" }),
  });
  const shared = async (...list: string[]) => /\[\d\]/g[Symbol.match](partsOf((await bundle(app, { shared: list })).code).shared) ?? [];
  expect(await shared()).toEqual(["[3]"]);
  expect(await shared("@x/*", "shop")).toEqual(["[1]", "[2]", "[3]"]);
  expect(await shared("@x/*", "!@x/two", "!zod")).toEqual(["[1]"]);
});

test("a package that a shared one imports is there once", async () => {
  const app = createApp({
    "src/a.ts": workflow(`import { make } from "lib";\nimport { Money } from "money";`, "make() instanceof Money"),
    ...packageOf("lib", { "index.js": `import { Money } from "money";\nexport const make = () => new Money();\n` }),
    ...packageOf("money", { "index.js": `export class Money {}\n` }),
  });
  const { code } = await bundle(app);
  expect(await call(code)).toBe(true);
  expect(partsOf(code).main).not.toContain("class Money");
  // Unless the application has said that it is not shared.
  expect(await call((await bundle(app, { shared: ["lib", "!money"] })).code)).toBe(false);
});

test("CommonJS packages are shared where they are imported, and are the run's own where they are required", async () => {
  const app = createApp({
    "src/a.ts": workflow(`import old, { x } from "old";\nimport { y } from "user";`, "[old.x, x, y()]"),
    ...packageOf("old", { "index.js": `exports.x = "ex";` }, { type: "commonjs" }),
    ...packageOf("user", { "index.js": `const old = require("old"); exports.y = () => old.x;` }, { type: "commonjs" }),
  });
  const { code } = await bundle(app, { shared: ["old"] });
  expect(await call(code)).toEqual(["ex", "ex", "ex"]);
  expect(partsOf(code).shared).toContain('"old/index.js"');
});

test("mistakes in what a workflow shares are reported as they are elsewhere", async () => {
  const app = createApp({
    "src/a.ts": workflow(`import { here, missing } from "lib";`, "[here(), missing]"),
    ...packageOf("lib", {
      "index.js": `import { readFileSync } from "node:fs";\nexport const here = () => import.meta.url;\nexport const read = () => readFileSync("x");\n`,
    }),
  });
  const errors = async () => ((await bundle(app).catch((reason: unknown) => reason)) as CompileError).diagnostics;
  expect(await errors()).toMatchObject([{ code: "BUNDLE_FAILED", filename: app.file("src/a.ts"), start: { line: 1, column: 16 } }]);
  app.write({ "src/a.ts": workflow(`import { here } from "lib";`, "here()") });
  expect(await errors()).toMatchObject([
    { code: "BUNDLE_HOST_GLOBAL", filename: app.file("node_modules/lib/index.js"), start: { line: 2, column: 27 } },
  ]);
  app.write({ "src/a.ts": workflow(`import { read } from "lib";`, "read()") });
  expect(await errors()).toMatchObject([
    {
      code: "BUNDLE_HOST_MODULE",
      filename: app.file("node_modules/lib/index.js"),
      message: 'The workflow a needs "node:fs", which only exists outside workflows. Imported by src/a.ts -> node_modules/lib/index.js.',
    },
  ]);
});

test("modules of the application in another package are scanned in the shared part too", async () => {
  const app = createApp({
    "src/a.ts": workflow(`import { now } from "../packages/clock/index.ts";`, "now()"),
    "packages/clock/package.json": JSON.stringify({ name: "clock", type: "module" }),
    "packages/clock/index.ts": `export const now = () => process.uptime();\nexport async function ping() { "use step"; return 1; }\n`,
  });
  const error = (await bundle(app, { shared: ["clock"] }).catch((reason: unknown) => reason)) as CompileError;
  expect(error.diagnostics).toMatchObject([
    { code: "BUNDLE_HOST_GLOBAL", filename: app.file("packages/clock/index.ts"), start: { line: 1, column: 26 } },
  ]);
});

test("steps of a shared package are called by id, and are in the manifest", async () => {
  const app = createApp({
    "src/a.ts": workflow(`import { ping } from "../packages/clock/index.ts";`, "ping(2)"),
    "packages/clock/package.json": JSON.stringify({ name: "clock", type: "module" }),
    "packages/clock/index.ts": `export async function ping(n: number) { "use step"; return n; }\n`,
  });
  const { code, manifest, stepFiles } = await bundle(app, { shared: ["clock"] });
  expect(partsOf(code).shared).toContain('"clock/index.ts#ping"');
  expect(manifest.workflows[0]?.steps).toEqual(["clock/index.ts#ping"]);
  expect(stepFiles).toEqual([app.file("packages/clock/index.ts")]);
});

test("HEAVY_PACKAGE: a large package that every run evaluates is a warning at its import, which goes when it is shared", async () => {
  const rows = Array.from({ length: 4000 }, (_, index) => `  row${index}: () => ${index} + Math.random(),`).join("\n");
  const app = createApp({
    "src/a.ts": workflow(`import { first } from "./b.ts";`, "first()"),
    "src/b.ts": `import { rows } from "large";\nexport const first = () => rows.row1();\n`,
    ...packageOf("large", { "index.js": `export const rows = {\n${rows}\n};\n` }),
    ...packageOf("lodash-es", { "index.js": `let n = 0;\nexport const uniqueId = () => ++n;\nexport const rows = {\n${rows}\n};\n` }),
  });
  expect((await bundle(app, {})).warnings).toMatchObject([
    {
      code: "HEAVY_PACKAGE",
      filename: app.file("src/b.ts"),
      start: { line: 1, column: 22 },
      message: expect.stringMatching(
        /^The package large adds 1\d\d kB of code to the workflow a, which every run evaluates anew and keeps in memory\.$/,
      ),
    },
  ]);
  expect((await bundle(app, { shared: ["large"] })).warnings).toEqual([]);
  app.write({ "src/b.ts": `import { rows, uniqueId } from "lodash-es";\nexport const first = () => rows.row1() + uniqueId();\n` });
  expect((await bundle(app, {})).warnings).toMatchObject([
    { message: expect.stringContaining("because the workflow uses uniqueId, which") },
  ]);
});
