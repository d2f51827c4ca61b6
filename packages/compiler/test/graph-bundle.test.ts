import { expect, test, vi } from "vitest";
import { type BuildManifest, bundleWorkflows, createBuildManifest } from "../src/bundle/index.ts";
import type { GraphNode } from "../src/graph/graph.ts";
import { createApp } from "./temporary-app.ts";

// Bundlers and processes start slowly on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

/** A graph in one line: names of steps, and what is around them. */
function brief(nodes: readonly GraphNode[]): string {
  return nodes.map(briefNode).join(" ");
}

function briefNode(node: GraphNode): string {
  switch (node.type) {
    case "step":
    case "ref":
      return `${node.type === "ref" ? "^" : ""}${node.id.replace(/^.*[#/]/, "")}`;
    case "branch":
      return `${node.kind}(${node.arms.map(({ children }) => brief(children)).join(" | ")})`;
    case "parallel":
      return `${node.kind}(${node.branches.map(brief).join(" | ")})`;
    case "function":
    case "workflow":
    case "callback":
      return `${node.name}(${brief(node.children)})`;
    case "loop":
      return `${node.kind}(${brief(node.children)})`;
    case "call":
      return `?${node.imported}`;
    case "try":
      return `try(${brief(node.block)})`;
    default:
      return node.type;
  }
}

const graphOf = (manifest: BuildManifest, name = "flow") =>
  brief(manifest.workflows.find((entry) => entry.name === name)?.graph.children ?? []);

const app = {
  "src/flow.ts": `import { charge, renamed, mail, Orders } from "./index.ts";
import ship, * as everything from "./index.ts";
import { approval } from "./index.ts";
import { sleep, withOptions } from "perdure";
import { retry } from "retry-lib";
import { format } from "./index.ts";
export async function flow(items: string[]) {
  "use workflow";
  await charge(format(items));
  await renamed(1);
  await mail.send(2);
  await Orders.cancel(3);
  await ship(4);
  await everything.everywhere.charge(5);
  await withOptions(charge, {})(6);
  await Promise.all(items.map(charge));
  await retry(charge);
  await everything.helper(7);
  const hook = approval.create();
  await Promise.race([hook, sleep("1d")]);
  if (items.length) format(items);
  await everything.child(8);
}
`,
  "src/index.ts": `export * from "./steps.ts";
export { charge as renamed } from "./steps.ts";
export * as everywhere from "./steps.ts";
export { default } from "./ship.ts";
export * from "./help.ts";
`,
  "src/steps.ts": `import fs from "node:fs";
export async function charge(x: unknown) { "use step"; return fs; }
export const mail = { async send(x: unknown) { "use step"; return x; } };
export class Orders { static async cancel(x: unknown) { "use step"; return x; } }
export * from "./index.ts";
`,
  "src/ship.ts": `export default async (x: unknown) => { "use step"; return x; };\n`,
  "src/help.ts": `import { defineHook } from "perdure";
import { charge } from "./steps.ts";
export const approval = defineHook();
export const format = (x: unknown) => String(x);
export const helper = async (x: unknown) => { if (x) return; await charge(x); await note(x); };
async function note(x: unknown) { "use step"; return x; }
export async function child(x: unknown) { "use workflow"; await note(x); }
`,
  "node_modules/retry-lib/package.json": JSON.stringify({ name: "retry-lib", type: "module", exports: "./index.js" }),
  "node_modules/retry-lib/index.js": "export const retry = (call) => call();",
};

test("imports are followed through barrels, namespaces, renames and defaults to steps, workflows, hooks and functions", async () => {
  const { file } = createApp(app);
  const { manifest } = await bundleWorkflows(file("src/flow.ts"));
  expect(graphOf(manifest)).toBe(
    [
      "charge charge mail.send",
      "Orders.cancel default charge charge all(map(charge)) retry(charge)",
      "helper(if(return) charge note) hook race(receive | wait) child(note)",
    ].join(" "),
  );
});

test("the manifest of a file has versions, and every step that its workflows may call", async () => {
  const { file } = createApp(app);
  const { manifest, bundles } = await bundleWorkflows(file("src/flow.ts"));
  const [flow] = manifest.workflows;
  const called = ["charge", "mail.send", "Orders.cancel"].map((path) => `shop/src/steps.ts#${path}`);
  expect(flow).toMatchObject({ id: "shop/src/flow.ts#flow", exported: ["flow"], version: bundles["shop/src/flow.ts#flow"]?.version });
  expect(flow?.steps).toEqual([...called, "shop/src/ship.ts#default", "shop/src/help.ts#note"]);
  expect(manifest.steps.map(({ id }) => id)).toEqual([...(flow?.steps ?? [])].sort());
  expect(manifest.steps.find(({ name }) => name === "note")).toMatchObject({ exported: [], start: { line: 6, column: 1 } });
});

test("places in other files say which", async () => {
  const { file } = createApp(app);
  const { manifest } = await bundleWorkflows(file("src/flow.ts"));
  const helper = manifest.workflows[0]?.graph.children.find(({ type }) => type === "function");
  expect(helper).toMatchObject({
    id: "shop/src/help.ts:5:23",
    line: 18,
    column: 9,
    children: [{ file: "shop/src/help.ts", line: 5 }, {}, {}],
  });
  expect(helper).not.toHaveProperty("file");
});

test("steps of packages and of a package that stands for perdure are known", async () => {
  const { file, read } = createApp({
    "src/a.ts": `import { sleep } from "workflow";\nimport { c } from "steps";\nexport async function flow() { "use workflow"; await sleep(1); await c(2); }\n`,
    "node_modules/steps/package.json": JSON.stringify({ name: "steps", type: "module", exports: "./lib/c.js" }),
    "node_modules/steps/lib/c.js": `export async function c(x){"use step";return x}`,
  });
  const alias = createApp({
    "src/a.ts": read("src/a.ts"),
    ...Object.fromEntries(
      ["package.json", "workflow/index.js"].map((name) => [`node_modules/workflow/${name}`, read(`node_modules/perdure/${name}`)]),
    ),
    "node_modules/steps/package.json": read("node_modules/steps/package.json"),
    "node_modules/steps/lib/c.js": read("node_modules/steps/lib/c.js"),
  });
  const { manifest } = await bundleWorkflows(alias.file("src/a.ts"));
  expect(graphOf(manifest)).toBe("wait c");
  await expect(bundleWorkflows(file("src/a.ts"))).rejects.toThrow("BUNDLE_UNRESOLVED");
});

test("re-exports in circles and functions that call each other across files come to an end", async () => {
  const { file } = createApp({
    "src/a.ts": `import { one, missing } from "./b.ts";\nexport async function flow() { "use workflow"; await one(3); }\nexport const back = async () => one(1);\n`,
    "src/b.ts": `export * from "./c.ts";\nexport const missing = 1;\nexport async function step() { "use step"; }\n`,
    "src/c.ts": `export * from "./b.ts";\nimport { step } from "./b.ts";\nimport { back } from "./a.ts";\nexport async function one(n: number) { await step(); if (n) await back(); }\n`,
  });
  const { manifest } = await bundleWorkflows(file("src/a.ts"));
  expect(graphOf(manifest)).toBe("one(step if(back(^c.ts:4:8)))");
});

test("a graph that would be too large names functions instead of showing them again, and still lists all steps", async () => {
  const levels = Array.from({ length: 16 }, (_, i) => `async function f${i}() { await f${i + 1}(); await f${i + 1}(); }`).join("\n");
  const { file } = createApp({
    "src/a.ts": `${levels}\nasync function f16() { "use step"; }\nasync function late() { await last(); }\nasync function last() { "use step"; }\nexport async function flow() { "use workflow"; await f0(); await late(); }\n`,
  });
  const { manifest } = await bundleWorkflows(file("src/a.ts"));
  expect(JSON.stringify(manifest.workflows[0]?.graph).length).toBeLessThan(1_000_000);
  expect(manifest.workflows[0]?.steps).toEqual(["shop/src/a.ts#f16", "shop/src/a.ts#last"]);
  expect(manifest.workflows[0]?.graph.children.at(-1)).toMatchObject({ type: "ref", name: "late" });
});

test("the manifest is the same every time, and no part of the bundle", async () => {
  const [one, two] = [createApp(app), createApp(app)];
  const first = await bundleWorkflows(one.file("src/flow.ts"));
  const second = await bundleWorkflows(two.file("src/flow.ts"));
  expect(second.manifest).toEqual(first.manifest);
  expect(JSON.parse(JSON.stringify(first.manifest))).toEqual(first.manifest);
  two.write({ "src/flow.ts": `\n\n${app["src/flow.ts"].replace("if (items.length)", "if (  items.length  )")}` });
  const moved = await bundleWorkflows(two.file("src/flow.ts"));
  expect(moved.manifest).not.toEqual(first.manifest);
  expect(moved.bundles["shop/src/flow.ts#flow"]?.version).toBe(first.bundles["shop/src/flow.ts#flow"]?.version);
});

test("the manifests of files merge into one document, sorted by id, in whatever order they come", async () => {
  const { file } = createApp(app);
  const parts = await Promise.all(["flow.ts", "help.ts"].map(async (name) => (await bundleWorkflows(file(`src/${name}`))).manifest));
  const merged = createBuildManifest(parts);
  expect(createBuildManifest([...parts].reverse())).toEqual(merged);
  expect(Object.keys(merged)).toEqual(["perdure", "workflows", "steps"]);
  expect(merged.workflows.map(({ id }) => id)).toEqual(["shop/src/flow.ts#flow", "shop/src/help.ts#child"]);
  const ids = merged.steps.map(({ id }) => id);
  expect(ids).toEqual([...new Set(ids)].sort());
});
