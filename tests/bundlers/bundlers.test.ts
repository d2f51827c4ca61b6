import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type BundledApp, createBundledApp, findBun, isBuilt, script } from "./bundled-app.ts";

const bun = findBun();
const node = process.execPath;
const timeout = 120_000;

/** What the application prints: a result, an error of a step and one of a workflow with their places, a workflow that only a scan finds. */
const printed = `Ada pays 20 #35480c
no credit for Bob at order.ts:32:30
Bob is over 2 at order.ts:43:9
audited
`;

let app: BundledApp;
beforeAll(() => {
  app = createBundledApp();
});
afterAll(() => app?.remove());

describe.skipIf(!isBuilt).concurrent("the same application, the same output", () => {
  test.each(["esbuild", "rollup", "rolldown", "vite", "webpack", "rspack"])(
    "built with %s, plain and minified",
    { timeout },
    async (name) => {
      await app.run(name, node, script("build.mjs"), name);
      expect(await runBuilt(name)).toBe(printed);
      expect(await runBuilt(`${name}-minified`)).toBe(printed);
    },
  );

  test("built with farm, whose plain output has source maps of lines only", { timeout }, async () => {
    await app.run("farm", node, script("build.mjs"), "farm");
    expect((await runBuilt("farm")).replace(":32:72", ":32:30")).toBe(printed);
    expect(await runBuilt("farm-minified")).toBe(printed);
  });

  test.skipIf(bun === null)(
    `built with Bun, plain and minified${bun === null ? " (there is none for this platform)" : ""}`,
    { timeout },
    async () => {
      await app.run("bun", bun ?? "", script("build.mjs"), "bun");
      expect(await runBuilt("bun")).toBe(printed);
      expect(await runBuilt("bun-minified")).toBe(printed);
      // In Bun itself, which reads no source maps when it runs a file: the place in the built file.
      const output = await app.run("bun-in-bun", bun ?? "", app.script("dist/bun/main"));
      expect(output.replace(/(?<=Bob at ).*/, "order.ts:32:30")).toBe(printed);
    },
  );

  test("from source with the Node loader", { timeout }, async () => {
    expect(await app.run("loader", node, "--import", "@perdure/compiler/register", "src/main.ts")).toBe(printed);
  });

  test("from source with tsx, on either side of the Node loader", { timeout }, async () => {
    const ours = ["--import", "@perdure/compiler/register"];
    expect(await app.run("before-tsx", node, ...ours, "--import", "tsx", "src/main.ts")).toBe(printed);
    expect(await app.run("after-tsx", node, "--import", "tsx", ...ours, "src/main.ts")).toBe(printed);
  });

  test("in Vite's development server", { timeout }, async () => {
    expect(await app.run("serve", node, script("serve.mjs"))).toBe(printed);
  });

  test("under Vitest, with the bundles of production", { timeout }, async () => {
    const output = await app.run("vitest", node, "node_modules/vitest/vitest.mjs", "run");
    for (const line of printed.trimEnd().split("\n")) expect(output).toContain(line);
  });
});

test.skipIf(!isBuilt)("the application's types hold, virtual:perdure among them", { timeout }, async () => {
  const tsc = fileURLToPath(import.meta.resolve("typescript/bin/tsc"));
  expect(await app.run("types", node, tsc, "--project", ".")).toBe("");
});

function runBuilt(name: string): Promise<string> {
  return app.run(name, node, "--enable-source-maps", app.script(`dist/${name}/main`));
}
