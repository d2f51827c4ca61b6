import { TraceMap, originalPositionFor } from "@jridgewell/trace-mapping";
import { createHash } from "node:crypto";
import { expect, test, vi } from "vitest";
import { bundleWorkflows } from "../src/bundle/index.ts";
import { createApp, evaluate } from "./temporary-app.ts";

// Bundlers and processes start slowly on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

const order = `
import { sleep } from "perdure";
import { format, dump } from "./shared.ts";
import { Client } from "client-sdk";

const client = new Client(process.env.KEY);

export async function charge(id: string) {
  "use step";
  await dump(id);
  return client.charge(id);
}
export async function fulfil(id: string) {
  "use workflow";
  const fee = id.length;
  async function note(text: string) { "use step"; await dump(text + fee); }
  await sleep("1h");
  await note(format("done"));
  return charge(id);
}
export async function cancel(id: string) {
  "use workflow";
  return id;
}
`;
const shared = `
import fs from "node:fs/promises";
const root = process.cwd();
export const format = (text: string) => text + "!";
export const dump = (value: unknown) => fs.writeFile(root + "/x", JSON.stringify(value));
`;
const client = {
  "node_modules/client-sdk/package.json": JSON.stringify({ name: "client-sdk", main: "index.js" }),
  "node_modules/client-sdk/index.js": `const https = require("https"); exports.Client = class { charge() { return https; } };`,
};
const app = { "src/order.ts": order, "src/shared.ts": shared, ...client };

const versionsOf = async (file: string) => {
  const { bundles } = await bundleWorkflows(file);
  return Object.fromEntries(Object.entries(bundles).map(([id, { version }]) => [id, version]));
};

test("a workflow's bundle is self-contained although its modules use files and a client that only steps need", async () => {
  const { file } = createApp(app);
  const { bundles, warnings } = await bundleWorkflows(file("src/order.ts"));
  expect(warnings).toEqual([]);
  expect(Object.keys(bundles)).toEqual(["shop/src/order.ts#fulfil", "shop/src/order.ts#cancel"]);
  const { code, version } = bundles["shop/src/order.ts#fulfil"] ?? { code: "", version: "" };
  expect(code).toMatch(/^\/\*perdure:1\*\/\(function\(__perdure\)\{"use strict";/);
  expect(code).toMatch(/return fulfil\}\)$/);
  expect(code).not.toMatch(/require|import|process|Client|writeFile/);
  expect(version).toBe(createHash("sha256").update(code, "utf8").digest("hex"));
  expect(code.length).toBeLessThan(700);
});

test("a bundle runs: it calls steps by id with arguments and captures", async () => {
  const { file } = createApp(app);
  const { bundles } = await bundleWorkflows(file("src/order.ts"));
  const calls: unknown[] = [];
  const perdure = {
    sleep: async (time: string) => void calls.push(time),
    callStep: async (...call: unknown[]) => (calls.push(call), "paid"),
  };
  const workflow = evaluate(bundles["shop/src/order.ts#fulfil"]?.code ?? "", perdure);
  expect(await workflow("o-1")).toBe("paid");
  expect(calls).toEqual(["1h", ["shop/src/order.ts#fulfil/note", ["done!"], { fee: 3 }], ["shop/src/order.ts#charge", ["o-1"]]]);
});

test("its source map leads to the original files, relative to the package", async () => {
  const { file } = createApp(app);
  const { bundles } = await bundleWorkflows(file("src/order.ts"));
  const { code, map } = bundles["shop/src/order.ts#fulfil"] ?? { code: "", map: "{}" };
  const parsed = JSON.parse(map) as { sources: string[]; sourcesContent?: unknown };
  expect(parsed.sources.filter((source) => source.startsWith("src/"))).toEqual(["src/shared.ts", "src/order.ts"]);
  expect(parsed.sourcesContent).toBe(undefined);
  const place = (text: string) => {
    const line = code.split("\n").findIndex((content) => content.includes(text));
    const column = code.split("\n")[line]?.indexOf(text) ?? -1;
    return originalPositionFor(new TraceMap(map), { line: line + 1, column });
  };
  expect(place('sleep("1h")')).toMatchObject({ source: "src/order.ts", line: 17, column: 8 });
  expect(place("format(")).toMatchObject({ source: "src/order.ts", line: 18, column: 13 });
  expect(place('+"!"')).toMatchObject({ source: "src/shared.ts", line: 4 });
});

test("the version does not change with comments, formatting or the bodies of steps", async () => {
  const { file, write } = createApp(app);
  const before = await versionsOf(file("src/order.ts"));
  write({
    "src/order.ts": order
      .replace("const fee = id.length;", "/* the fee */\n\n    const   fee = id . length ; // why")
      .replace("return client.charge(id);", "await dump(1); console.log(id); return client.charge(id, 2);")
      .replace("await dump(text + fee)", "await dump(fee + text)")
      .replace("new Client(process.env.KEY)", "new Client(process.env.OTHER_KEY)"),
    "src/shared.ts": `// more\n${shared.replace("JSON.stringify(value)", "String(value)")}`,
  });
  expect(await versionsOf(file("src/order.ts"))).toEqual(before);
});

test("an edit of a helper changes the workflows that reach it, and no others", async () => {
  const { file, write } = createApp(app);
  const before = await versionsOf(file("src/order.ts"));
  write({ "src/shared.ts": shared.replace('"!"', '"?"') });
  const after = await versionsOf(file("src/order.ts"));
  expect(after["shop/src/order.ts#fulfil"]).not.toBe(before["shop/src/order.ts#fulfil"]);
  expect(after["shop/src/order.ts#cancel"]).toBe(before["shop/src/order.ts#cancel"]);
});

test("two checkouts of one application have the same bundles and maps", async () => {
  const [one, two] = [createApp(app), createApp(app)];
  const first = await bundleWorkflows(one.file("src/order.ts"));
  const second = await bundleWorkflows(two.file("src/order.ts"));
  expect(second.bundles).toEqual(first.bundles);
});

test("the inputs are the files that were read", async () => {
  const { file } = createApp(app);
  const { inputs } = await bundleWorkflows(file("src/order.ts"));
  expect(inputs).toContain(file("src/order.ts"));
  expect(inputs).toContain(file("src/shared.ts"));
});

test("a built-in module that a workflow really uses is an error which names the chain of imports", async () => {
  const { file } = createApp({
    "src/report.ts": `import { render } from "./render.ts";\nexport async function report() {\n  "use workflow";\n  return render();\n}\n`,
    "src/render.ts": `export { load as render } from "./load.ts";`,
    "src/load.ts": `import { readFile } from "node:fs/promises";\nexport const load = () => readFile("x");\n`,
  });
  await expect(bundleWorkflows(file("src/report.ts"))).rejects.toMatchObject({
    diagnostics: [
      {
        code: "BUNDLE_HOST_MODULE",
        filename: file("src/load.ts"),
        start: { line: 1, column: 26 },
        message:
          'The workflow report needs "node:fs/promises", which only exists outside workflows. Imported by src/report.ts -> src/render.ts -> src/load.ts.',
      },
    ],
  });
});

test("a module that does not exist, or is not code, is an error only if a workflow uses it", async () => {
  const { file, write } = createApp({
    "src/a.ts": `import { x } from "./b.ts";\nexport async function a() { "use workflow"; return x; }\n`,
    "src/b.ts": `import missing from "virtual:missing";\nimport style from "./style.css";\nexport const y = [missing, style];\nexport const x = 1;\n`,
    "src/style.css": "",
  });
  expect(Object.keys((await bundleWorkflows(file("src/a.ts"))).bundles)).toEqual(["shop/src/a.ts#a"]);
  write({ "src/a.ts": `import { y } from "./b.ts";\nexport async function a() { "use workflow"; return y; }\n` });
  await expect(bundleWorkflows(file("src/a.ts"))).rejects.toMatchObject({
    diagnostics: [{ code: "BUNDLE_UNRESOLVED" }, { code: "BUNDLE_UNRESOLVED" }],
  });
});

test("steps of other files and of packages are called by id", async () => {
  const { file } = createApp({
    "src/a.ts": `import { b } from "./b.ts";\nimport { c } from "steps";\nexport async function a() { "use workflow"; return [await b(1), await c(2)]; }\n`,
    "src/b.ts": `export async function b(x: number) { "use step"; return x; }\n`,
    "node_modules/steps/package.json": JSON.stringify({ name: "steps", type: "module", exports: "./lib/c.js" }),
    "node_modules/steps/lib/c.js": `import fs from "node:fs";export async function c(x){"use step";return fs.x}`,
  });
  const { bundles } = await bundleWorkflows(file("src/a.ts"));
  const workflow = evaluate(bundles["shop/src/a.ts#a"]?.code ?? "", { callStep: async (id: string, args: unknown[]) => [id, args] });
  expect(await workflow()).toEqual([
    ["shop/src/b.ts#b", [1]],
    ["steps/lib/c.js#c", [2]],
  ]);
});

test("packages resolve under the condition workflow first, then for the edge and the browser", async () => {
  const { file } = createApp({
    "src/a.ts": `import one from "one";\nimport two from "two";\nexport async function a() { "use workflow"; return one + two; }\n`,
    "node_modules/one/package.json": JSON.stringify({
      name: "one",
      exports: { node: "./node.js", browser: "./browser.js", workflow: "./workflow.js" },
    }),
    "node_modules/one/browser.js": "export default 'browser'",
    "node_modules/one/workflow.js": "export default 'workflow'",
    "node_modules/two/package.json": JSON.stringify({
      name: "two",
      exports: { node: "./node.js", "edge-light": "./edge.js", default: "./default.js" },
    }),
    "node_modules/two/edge.js": "export default 'edge'",
  });
  const { bundles } = await bundleWorkflows(file("src/a.ts"));
  expect(await evaluate(bundles["shop/src/a.ts#a"]?.code ?? "", {})()).toBe("browseredge");
});

test("further conditions can be asked for", async () => {
  const { file } = createApp({
    "src/a.ts": `import one from "one";\nexport async function a() { "use workflow"; return one; }\n`,
    "node_modules/one/package.json": JSON.stringify({
      name: "one",
      exports: { workflow: { custom: "./source.ts", default: "./built.js" } },
    }),
    "node_modules/one/source.ts": "export default 'source' as string",
    "node_modules/one/built.js": "export default 'built'",
  });
  const result = async (conditions: string[]) => {
    const { bundles } = await bundleWorkflows(file("src/a.ts"), { conditions });
    return evaluate(bundles["shop/src/a.ts#a"]?.code ?? "", {})();
  };
  expect(await result([])).toBe("built");
  expect(await result(["custom"])).toBe("source");
});

test("a value that is awaited at the top level of another module is an error if a workflow uses it", async () => {
  const { file, write } = createApp({
    "src/a.ts": `import { name } from "./b.ts";\nexport async function a() { "use workflow"; return name; }\n`,
    "src/b.ts": `export const db = await connect();\nexport const name = "x";\nfunction connect() { return 1; }\n`,
  });
  expect(Object.keys((await bundleWorkflows(file("src/a.ts"))).bundles)).toEqual(["shop/src/a.ts#a"]);
  write({ "src/a.ts": `import { db } from "./b.ts";\nexport async function a() { "use workflow"; return db; }\n` });
  await expect(bundleWorkflows(file("src/a.ts"))).rejects.toMatchObject({
    diagnostics: [{ code: "TOP_LEVEL_AWAIT", filename: file("src/b.ts"), start: { line: 1 } }],
  });
});

test("mistakes in modules that a workflow reaches are reported as they are", async () => {
  const { file, write } = createApp({
    "src/a.ts": `import { b } from "./b.ts";\nexport async function a() { "use workflow"; return b(); }\n`,
    "src/b.ts": `export function b() { "use step"; }\n`,
  });
  await expect(bundleWorkflows(file("src/a.ts"))).rejects.toMatchObject({
    diagnostics: [{ code: "FUNCTION_NOT_ASYNC", filename: file("src/b.ts"), start: { line: 1, column: 8 } }],
  });
  write({ "src/b.ts": `export const é = "é", b = ;\n` });
  await expect(bundleWorkflows(file("src/a.ts"))).rejects.toMatchObject({
    diagnostics: [{ code: "BUNDLE_FAILED", start: { line: 1, column: 27 } }],
  });
});

test("an import of a name that the module does not export is reported at its place", async () => {
  const { file } = createApp({
    "src/a.ts": `import { missing } from "./b.ts";\nexport async function a() { "use workflow"; return missing(); }\n`,
    "src/b.ts": `export const b = 1;\n`,
  });
  await expect(bundleWorkflows(file("src/a.ts"))).rejects.toMatchObject({
    diagnostics: [{ code: "BUNDLE_FAILED", filename: file("src/a.ts"), start: { line: 1, column: 10 } }],
  });
});

test("members, defaults and unexported workflows have bundles", async () => {
  const { file } = createApp({
    "src/a.ts": `
      const inner = async () => { "use workflow"; return "inner"; };
      export const api = { deep: { async run() { "use workflow"; return "member" + this_(); } } };
      function this_() { return 1; }
      export default async function () { "use workflow"; return "default"; }
    `,
  });
  const { bundles } = await bundleWorkflows(file("src/a.ts"));
  const results = await Promise.all(Object.entries(bundles).map(async ([id, { code }]) => [id, await evaluate(code, {})()]));
  expect(results).toEqual([
    ["shop/src/a.ts#inner", "inner"],
    ["shop/src/a.ts#api.deep.run", "member1"],
    ["shop/src/a.ts#default", "default"],
  ]);
});

test("a file without workflows has no bundles", async () => {
  const { file } = createApp({ "src/a.ts": `export async function a() { "use step"; }\n` });
  const { bundles, inputs, warnings, manifest } = await bundleWorkflows(file("src/a.ts"));
  expect({ bundles, inputs, warnings }).toEqual({ bundles: {}, inputs: [file("src/a.ts")], warnings: [] });
  expect(manifest).toMatchObject({ perdure: 1, workflows: [], steps: [{ id: "shop/src/a.ts#a" }] });
});

test("a module that awaits at its top level is an error at the await, if a workflow needs the module", async () => {
  const { file, write } = createApp({
    "src/a.ts": `import { db } from "db";\nexport async function a() { "use workflow"; return db; }\n`,
    "node_modules/db/package.json": JSON.stringify({ name: "db", type: "module", exports: "./index.js" }),
    "node_modules/db/index.js": `export const db = await Promise.resolve(1);`,
  });
  await expect(bundleWorkflows(file("src/a.ts"))).rejects.toMatchObject({
    diagnostics: [{ code: "BUNDLE_FAILED", filename: file("node_modules/db/index.js"), start: { line: 1, column: 19 } }],
  });
  write({ "src/a.ts": `import { db } from "./b.ts";\nexport async function a() { "use workflow"; return db; }\n` });
  write({ "src/b.ts": `export const db = () => 1;\nawait Promise.resolve();\n` });
  await expect(bundleWorkflows(file("src/a.ts"))).rejects.toMatchObject({
    diagnostics: [{ code: "BUNDLE_FAILED", filename: file("src/b.ts"), start: { line: 2, column: 1 } }],
  });
});

test("the place of node_modules does not change the version, and source maps still fit", async () => {
  const source = `import { x } from "legacy";\nexport async function a() { "use workflow"; return x(); }\n`;
  const legacy = (folder: string) => ({
    [`${folder}node_modules/legacy/package.json`]: JSON.stringify({ name: "legacy", main: "index.js" }),
    [`${folder}node_modules/legacy/index.js`]: `exports.x = () => require("./lib/y.js");`,
    [`${folder}node_modules/legacy/lib/y.js`]: `module.exports = "why";`,
  });
  const flat = createApp({ "src/a.ts": source, ...legacy("") });
  const nested = createApp({ "apps/shop/package.json": JSON.stringify({ name: "shop" }), "apps/shop/src/a.ts": source, ...legacy("") });
  const one = (await bundleWorkflows(flat.file("src/a.ts"))).bundles["shop/src/a.ts#a"];
  const two = (await bundleWorkflows(nested.file("apps/shop/src/a.ts"))).bundles["shop/src/a.ts#a"];
  expect(two?.code).toBe(one?.code);
  expect(one?.code).toContain('"legacy/lib/y.js"');
  expect(await evaluate(one?.code ?? "", {})()).toBe("why");
  const [, line = ""] = (one?.code ?? "").split("\n");
  const trace = new TraceMap(one?.map ?? "{}");
  expect(originalPositionFor(trace, { line: 2, column: line.indexOf('"why"') })).toMatchObject({ line: 1, column: 17 });
  expect(originalPositionFor(trace, { line: 2, column: line.indexOf("return(0,") })).toMatchObject({
    source: "src/a.ts",
    line: 2,
    column: 44,
  });
});

const storedClass = (name: string) => `export class ${name} {
  constructor(value) { this.value = value; }
  static [WORKFLOW_SERIALIZE](one) { return one.value; }
  static [WORKFLOW_DESERIALIZE](value) { return new ${name}(value); }
}
`;
const serde = {
  "node_modules/serde/package.json": JSON.stringify({ name: "serde", type: "module", exports: "./index.js" }),
  "node_modules/serde/index.js":
    'export const WORKFLOW_SERIALIZE = Symbol.for("workflow-serialize");\nexport const WORKFLOW_DESERIALIZE = Symbol.for("workflow-deserialize");\n',
};
const importSerde = 'import { WORKFLOW_DESERIALIZE, WORKFLOW_SERIALIZE } from "serde";\n';

test("classes whose instances can be stored are registered where a workflow uses them, and in no other bundle", async () => {
  const ids = (name: string) => ({ [`node_modules/${name}/index.js`]: importSerde + storedClass("Coin") });
  const { file } = createApp({
    ...serde,
    "src/money.ts": importSerde + storedClass("Money") + storedClass("Unused"),
    "node_modules/with-runtime/package.json": JSON.stringify({
      name: "with-runtime",
      type: "module",
      main: "index.js",
      peerDependencies: { perdure: "*" },
    }),
    "node_modules/without/package.json": JSON.stringify({ name: "without", type: "module", main: "index.js" }),
    ...ids("with-runtime"),
    ...ids("without"),
    "src/order.ts": `
import { Money, Unused } from "./money.ts";
import { Coin } from "with-runtime";
import { Coin as Stranger } from "without";
export async function use(value: Unused) { "use step"; return new Unused(value); }
export async function pay() { "use workflow"; return [new Money(1), new Coin(2), new Stranger(3)]; }
export async function wait() { "use workflow"; return use(1); }
`,
  });
  const { bundles, warnings } = await bundleWorkflows(file("src/order.ts"));
  expect(warnings).toEqual([]);
  const registered = new Map<string, unknown>();
  const perdure = { registerClass: (id: string, one: unknown) => registered.set(id, one), callStep: async () => null };
  await evaluate(bundles["shop/src/order.ts#wait"]?.code ?? "", perdure)();
  expect([...registered]).toEqual([]);
  expect(bundles["shop/src/order.ts#wait"]?.code).not.toMatch(/class|Symbol/);
  await evaluate(bundles["shop/src/order.ts#pay"]?.code ?? "", perdure)();
  expect([...registered.keys()]).toEqual(["shop/src/money.ts#Money", "with-runtime/index.js#Coin"]);
});
