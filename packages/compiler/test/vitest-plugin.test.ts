import { execFile } from "node:child_process";
import { existsSync, symlinkSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test, vi } from "vitest";
import { type ResolveFile, readModuleExports } from "../src/plugins/vitest/module-exports.ts";
import { exportsText } from "../src/plugins/vitest/virtual-modules.ts";
import { buildWorkflowModule } from "../src/plugins/vitest/workflow-module.ts";
import { createApp } from "./temporary-app.ts";

// Bundlers and processes start slowly on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

const repository = path.join(path.dirname(fileURLToPath(import.meta.url)), "../../..");

test.skipIf(!existsSync(path.join(repository, "packages/compiler/dist/plugins/vite.js")))(
  "under Vitest, steps run as functions, and workflows have bundles if that is wanted",
  async () => {
    const { root, file } = createApp({
      "vitest.config.ts": `import perdure from "@perdure/compiler/vite";\nexport default { plugins: [perdure({ vitest: "bundle" })] };\n`,
      "order.ts": `
export async function charge(id: string) { "use step"; return id + " paid"; }
export async function fulfil(id: string) { "use workflow"; return charge(id); }
`,
      "order.test.ts": `
import { expect, test } from "vitest";
import { charge, fulfil } from "./order.ts";
test("charge", async () => expect(await charge("x")).toBe("x paid"));
test("fulfil", async () => {
  await expect(fulfil("x")).rejects.toThrow("workflow called: shop/order.ts#fulfil");
  expect((globalThis as any).registry.get("shop/order.ts#fulfil").bundle.code).toContain("perdure:1");
});
`,
    });
    symlinkSync(path.join(repository, "node_modules/vitest"), file("node_modules/vitest"));
    symlinkSync(path.join(repository, "node_modules/@perdure"), file("node_modules/@perdure"));
    const vitest = path.join(repository, "node_modules/vitest/vitest.mjs");
    const { stdout } = await promisify(execFile)(process.execPath, [vitest, "run", "--no-color"], {
      cwd: root,
      timeout: 50_000,
      env: { ...process.env, VITEST: "" },
    });
    expect(stdout).toContain("2 passed");
  },
);

const resolve: ResolveFile = async (specifier, importer) =>
  specifier.startsWith(".") ? path.resolve(path.dirname(importer), specifier) : null;

const steps = `
export async function charge() { "use step"; }
const ship = async () => { "use step"; };
export { ship as send, ship };
export const api = { async label() { "use step"; } };
async function hidden() { "use step"; }
export default async function refund() { "use step"; }
export const fee = hidden.name.length;
`;

test("what a module exports of steps and workflows is found, also through other modules", async () => {
  const { file } = createApp({
    "steps.ts": steps,
    "order.ts": `import { charge } from "./steps.ts";\nexport async function fulfil() { "use workflow"; await charge(); }\n`,
    "all.ts": `export * from "./steps.ts";\nexport * from "./order.ts";\nexport type { T } from "./types.ts";\n`,
    "some.ts": `import refund, { charge } from "./all.ts";
import back from "./steps.ts";
export { charge as pay, refund, back };
export { default } from "./steps.ts";
export * from "./some.ts";
export * from "package";
`,
  });
  const own = await readModuleExports(file("steps.ts"), resolve);
  expect(own.steps.get("charge")).toBe("shop/steps.ts#charge");
  expect(own.steps.get("send")).toBe(own.steps.get("ship"));
  expect([...own.steps.keys()]).toEqual(["charge", "send", "ship", "default"]);
  expect(Object.fromEntries(own.members)).toEqual({ "api.label": "shop/steps.ts#api.label" });
  expect(Object.fromEntries(own.others)).toEqual({ api: { file: file("steps.ts"), name: "api" } });
  const all = await readModuleExports(file("all.ts"), resolve);
  expect([...all.steps.keys()]).toEqual(["charge", "send", "ship"]);
  expect(Object.fromEntries(all.others)).toMatchObject({ fulfil: { file: file("order.ts"), name: "fulfil" }, api: { name: "api" } });
  expect([...all.files].sort()).toEqual(["all.ts", "order.ts", "steps.ts"].map(file));
  const some = await readModuleExports(file("some.ts"), resolve);
  expect(some.steps.get("pay")).toBe("shop/steps.ts#charge");
  expect(some.steps.get("back")).toBe(own.steps.get("default"));
  expect([...some.steps.keys()].sort()).toEqual(["back", "default", "pay"]);
});

test("a module that stands for a module with steps has all of its exports", async () => {
  const { file } = createApp({ "steps.ts": steps });
  const exports = await readModuleExports(file("steps.ts"), resolve);
  const text = exportsText(file("steps.ts"), "workflow", exports);
  expect(text).toContain(`export * from "${file("steps.ts")}";`);
  expect(text).toContain('export { $step0 as "charge" };');
  expect(text).toContain(`export { "api" as "api" } from "${file("steps.ts")}?perdure";`);
  expect(exportsText(file("steps.ts"), "module", exports)).not.toContain("?perdure");
});

test("compiled workflow code under Vitest evaluates only what its workflows reach, and keeps the imports of that", async () => {
  const { file } = createApp({
    "order.ts": `import { createPool } from "./pool.ts";
import { rate } from "./rates.ts";
const pool = createPool();
const fee = rate() * 2;
export async function lookUp() { "use step"; return pool.query(); }
export async function fulfil(): Promise<number> { "use workflow"; await lookUp(); return fee; }
`,
  });
  const { code, map } = await buildWorkflowModule(file("order.ts"), ["fulfil"]);
  expect(code).not.toContain("createPool");
  expect(code).toContain('from "./rates.ts"');
  expect(code).toMatch(/export \{[^}]*\$perdure0[^}]*\}/);
  expect(map.sources).toEqual([file("order.ts")]);
});
