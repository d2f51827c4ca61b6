import { TraceMap, originalPositionFor } from "@jridgewell/trace-mapping";
import { expect, test, vi } from "vitest";
import { bundleWorkflows } from "../src/bundle/index.ts";
import { createApp } from "./temporary-app.ts";

// Bundlers and processes start slowly on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

const source = `import { format } from "formatter";
export async function charge(id: string) { "use step"; return id; }
const ship = async (id: string) => { "use step"; return format(id); };
const fee = (id: string) => id.length;
export const api = { async refund(id: string) { "use step"; return id; } };
export async function flow(id: string) {
  "use workflow";
  async function note(text: string) { "use step"; return text + id; }
  await charge(id);
  await ship(format(id));
  await note("done");
  return [await api.refund(id), fee(id)];
}
`;

const formatter = (version: string) => ({
  "node_modules/formatter/package.json": JSON.stringify({ name: "formatter", version, type: "module", exports: "./index.js" }),
  "node_modules/formatter/index.js": "export const format = (text) => text.trim();",
});

const app = { "src/a.ts": source, ...formatter("1.0.0") };
const flowId = "shop/src/a.ts#flow";
const ids = ["api.refund", "charge", "flow/note", "ship"].map((path) => `shop/src/a.ts#${path}`);

async function built(file: string) {
  const { bundles, manifest } = await bundleWorkflows(file);
  return { steps: manifest.steps.map(({ id }) => id), version: bundles[flowId]?.version };
}

/** The lines of the source after the import, by the word that they begin with, in another order. */
function reordered(): string {
  const statements = source.split(/^(?=export|const)/m);
  const [first = "", ...others] = statements;
  return [first, ...others.reverse()].join("");
}

test.each([
  ["reformatting", source.replaceAll("; ", ";\n\n  ").replaceAll("(id: string)", "(\n    id : string,\n  )")],
  ["comments", `/* a licence */\n${source.replaceAll("await ", "/* wait */ await ")}`],
  ["steps that are inserted and not called", source.replace("const fee", `export async function other() { "use step"; }\nconst fee`)],
  ["the bodies of steps", source.replace('"use step"; return id; }', '"use step"; console.log(id); return id; }')],
])("%s change neither ids nor versions", async (_, changed) => {
  const { file, write } = createApp(app);
  const before = await built(file("src/a.ts"));
  expect(before).toEqual({ steps: ids, version: expect.stringMatching(/^[0-9a-f]{64}$/) });
  expect(changed).not.toBe(source);
  write({ "src/a.ts": changed });
  const after = await built(file("src/a.ts"));
  expect(after.version).toBe(before.version);
  expect(after.steps).toEqual(expect.arrayContaining(ids));
});

test("ids do not change when functions move inside a file", async () => {
  const { file, write } = createApp(app);
  write({ "src/a.ts": reordered() });
  expect((await built(file("src/a.ts"))).steps).toEqual(ids);
});

test("a version of a dependency is in no id, and its code alone decides about the version of a workflow", async () => {
  const { file, write } = createApp(app);
  const before = await built(file("src/a.ts"));
  write(formatter("2.0.0"));
  expect(await built(file("src/a.ts"))).toEqual(before);
  write({ "node_modules/formatter/index.js": "export const format = (text) => text.toUpperCase();" });
  const after = await built(file("src/a.ts"));
  expect(after.steps).toEqual(before.steps);
  expect(after.version).not.toBe(before.version);
});

test("the directory in which a build runs changes nothing, in a package of its own or in a workspace", async () => {
  const alone = createApp(app);
  const workspace = createApp({
    "package.json": JSON.stringify({ name: "root", workspaces: ["apps/*"] }),
    "apps/shop/package.json": JSON.stringify({ name: "shop", type: "module" }),
    "apps/shop/src/a.ts": source,
    ...formatter("1.0.0"),
  });
  const expected = await built(alone.file("src/a.ts"));
  const cwd = process.cwd();
  try {
    for (const folder of ["", "apps", "apps/shop", "apps/shop/src"]) {
      process.chdir(workspace.file(folder));
      expect(await built(workspace.file("apps/shop/src/a.ts"))).toEqual(expected);
    }
  } finally {
    process.chdir(cwd);
  }
});

test("the source map fits a bundle whose declarations were joined", async () => {
  const { file } = createApp({
    ...app,
    "src/a.ts": source.replace("const fee", `export async function other() { "use step"; }\nconst fee`),
  });
  const { bundles } = await bundleWorkflows(file("src/a.ts"));
  const { code, map } = bundles[flowId] ?? { code: "", map: "{}" };
  const [first = "", second = ""] = code.split("\n");
  expect(second).toMatch(/var ship=.*,fee=/);
  expect(first).not.toContain("fee");
  const place = (text: string) => originalPositionFor(new TraceMap(map), { line: 2, column: second.indexOf(text) });
  expect(place("fee=")).toMatchObject({ source: "src/a.ts", line: 5, column: 6 });
  expect(place("length")).toMatchObject({ source: "src/a.ts", line: 5 });
  expect(place("charge(id)")).toMatchObject({ source: "src/a.ts", line: 10, column: 8 });
});
