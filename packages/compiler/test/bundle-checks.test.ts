import path from "node:path";
import { expect, test, vi } from "vitest";
import type { CompileError } from "../src/index.ts";
import { bundleWorkflows } from "../src/bundle/index.ts";
import { createApp } from "./temporary-app.ts";

// Bundlers and processes start slowly on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

test("globals of the host in workflow code are errors at their place, also in helpers, but not in what falls away", async () => {
  const { file } = createApp({
    "src/a.ts": `import { helper } from "./b.ts";
export async function a() {
  "use workflow";
  await fetch("x");
  setImmediate(() => {});
  helper(process.env["X"]);
  return [Date.now(), Math.random(), crypto.randomUUID(), globalThis.caches];
}
export async function s() { "use step"; return fetch("y"); }
`,
    "src/b.ts": `export const unused = () => require("x");
export function helper(x: unknown, process = 1) {
  const fetch = () => process;
  if (typeof navigator !== "undefined") return navigator.userAgent;
  return x + fetch() + __dirname;
}
`,
  });
  const error = await bundleWorkflows(file("src/a.ts")).catch((reason: CompileError) => reason);
  const found = (error as CompileError).diagnostics.map(({ code, filename, start, message }) => [
    code,
    `${path.basename(filename)}:${start.line}:${start.column}`,
    message.replace(/^.*uses (\S+),.*$/, "$1"),
  ]);
  expect(found.sort()).toEqual(
    [
      ["BUNDLE_HOST_GLOBAL", "a.ts:4:9", "fetch"],
      ["BUNDLE_HOST_GLOBAL", "a.ts:5:3", "setImmediate"],
      ["BUNDLE_HOST_GLOBAL", "a.ts:6:10", "process"],
      ["BUNDLE_HOST_GLOBAL", "a.ts:7:59", "caches"],
      ["BUNDLE_HOST_GLOBAL", "b.ts:5:24", "__dirname"],
    ].sort(),
  );
});

test("module syntax that is left in a bundle is an error, also in a package", async () => {
  const { file } = createApp({
    "src/a.ts": `import { here } from "here";\nexport async function a(name: string) { "use workflow"; return [here(), await import(name)]; }\n`,
    "node_modules/here/package.json": JSON.stringify({ name: "here", type: "module", exports: "./index.js" }),
    "node_modules/here/index.js": `export const here = () => import.meta.url;\nexport const unused = () => import.meta.dirname;\n`,
  });
  const error = await bundleWorkflows(file("src/a.ts")).catch((reason: CompileError) => reason);
  expect((error as CompileError).diagnostics).toMatchObject([
    { code: "BUNDLE_HOST_GLOBAL", filename: file("node_modules/here/index.js"), start: { line: 1, column: 27 } },
    { code: "BUNDLE_HOST_GLOBAL", filename: file("src/a.ts"), start: { line: 2, column: 79 } },
  ]);
});

test("a global of the host in another file is reported with the way by which the file came in", async () => {
  const { file } = createApp({
    "src/a.ts": `import { b } from "./b.ts";\nexport async function a() { "use workflow"; return b(); }\n`,
    "src/b.ts": `import { c } from "./c.ts";\nexport const b = () => c();\n`,
    "src/c.ts": `export const c = () => process.pid;\n`,
  });
  await expect(bundleWorkflows(file("src/a.ts"))).rejects.toMatchObject({
    diagnostics: [
      {
        filename: file("src/c.ts"),
        message: "The workflow a uses process, which only exists outside workflows. Imported by src/a.ts -> src/b.ts.",
      },
    ],
  });
});

const unawaited = `import { sleep, createHook, withOptions } from "perdure";
import { charge, api, Orders } from "./steps.ts";
export async function a(kind: string) {
  "use workflow";
  charge(1);
  if (kind) api.ship(2);
  else Orders.cancel(3);
  sleep("1h"), api.deep.refund(4);
  for (const x of kind) charge(x);
  if (kind === "x") { charge(5); return 1; }
  withOptions(charge, {})(6);
  const hook = createHook();
  createHook();
  void charge(7);
  kind && void (charge(8), api.ship(9));
  charge(10).catch(() => {});
  const later = charge(11);
  helper({ sleep: () => 1, charge: () => 2 });
  kind ? await charge(12) : void 0;
  return [await later, charge(13), hook];
}
export async function b() { "use workflow"; charge(14); }
const helper = (other: { sleep(): number; charge(): number }) => { other.sleep(); other.charge(); };
`;
const unawaitedSteps = `export async function charge(x: unknown) { "use step"; return x; }
export const api = { ship: async (x: unknown) => { "use step"; return x; }, deep: { async refund(x: unknown) { "use step"; return x; } } };
export class Orders { static async cancel(x: unknown) { "use step"; return x; } }
`;

test("a step or a sleep whose promise nothing uses is a warning, also across files and in shortened code", async () => {
  const { file } = createApp({ "src/a.ts": unawaited, "src/steps.ts": unawaitedSteps });
  const { warnings, bundles } = await bundleWorkflows(file("src/a.ts"));
  expect(Object.keys(bundles)).toHaveLength(2);
  expect(
    warnings.map(({ code, start, message }) => [code, start.line, message.replace(/^The workflow (\w) calls (.*) and .*$/, "$1: $2")]),
  ).toEqual([
    ["STEP_NOT_AWAITED", 5, "a: charge()"],
    ["STEP_NOT_AWAITED", 6, "a: api.ship()"],
    ["STEP_NOT_AWAITED", 7, "a: Orders.cancel()"],
    ["STEP_NOT_AWAITED", 8, "a: sleep()"],
    ["STEP_NOT_AWAITED", 8, "a: api.deep.refund()"],
    ["STEP_NOT_AWAITED", 9, "a: charge()"],
    ["STEP_NOT_AWAITED", 10, "a: charge()"],
    ["STEP_NOT_AWAITED", 11, "a: withOptions()"],
    ["STEP_NOT_AWAITED", 22, "b: charge()"],
  ]);
  expect(warnings[1]).toMatchObject({
    severity: "warning",
    filename: file("src/a.ts"),
    start: { column: 13 },
    end: { line: 6, column: 24 },
  });
});

test("module state of another file is a warning if a workflow reads it and a step or the host changes it", async () => {
  const { file } = createApp({
    "src/a.ts": `import { get, options, rates, count, own, unused } from "./state.ts";
export async function a() { "use workflow"; own.push(1); return [get("x"), options.size, rates, count(), own]; }
`,
    "src/state.ts": `const cache = new Map<string, number>();
export const get = (key: string) => cache.get(key);
export async function fill() { "use step"; cache.set("x", 1); }
export let options = { size: 1 };
export function configure(size: number) { options = { size }; }
export const rates = { EUR: 1 };
Object.assign(rates, { USD: 2 });
let counter = 0;
export const count = () => ++counter;
export const own: number[] = [];
export const unused = new Set<number>();
export const add = () => unused.add(1);
`,
  });
  const { warnings } = await bundleWorkflows(file("src/a.ts"));
  expect(warnings.map(({ code, start, message }) => [code, start.line, message.replace(/^.*reads (.*):.*$/, "$1")])).toEqual([
    ["MODULE_STATE", 1, "cache, which the step fill changes"],
    ["MODULE_STATE", 4, "options, which the function configure changes"],
  ]);
  expect(warnings[0]).toMatchObject({ filename: file("src/state.ts"), start: { column: 7 }, end: { line: 1, column: 12 } });
});

test("a step that calls an imported workflow like a function is an error", async () => {
  const { file, write } = createApp({
    "src/a.ts": `import { charge } from "./steps.ts";
export async function a() { "use workflow"; return charge(1); }
`,
    "src/steps.ts": `import * as flows from "./index";
import { start } from "perdure/api";
export async function charge(x: unknown) {
  "use step";
  await start(flows.a, []);
  await Promise.all([x].map(async () => { await flows.a(); }));
}
`,
    "src/index.ts": `export * from "./a.ts";
`,
  });
  await expect(bundleWorkflows(file("src/a.ts"))).rejects.toMatchObject({
    diagnostics: [
      {
        code: "STEP_CALLS_WORKFLOW",
        filename: file("src/steps.ts"),
        start: { line: 6, column: 49 },
        end: { line: 6, column: 56 },
        message: "The step charge calls the workflow a like a function.",
      },
    ],
  });
  write({ "src/steps.ts": `import { a } from "./a.ts";\nexport async function charge(x: unknown) { "use step"; return [a, x]; }\n` });
  expect((await bundleWorkflows(file("src/a.ts"))).warnings).toEqual([]);
});
