import { readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { build } from "vite";
import { compile } from "../src/compile.ts";
import vitePlugin from "../src/plugins/vite.ts";
import { fixtures } from "./fixture-folders.ts";
import { createApp } from "./temporary-app.ts";

afterEach(() => vi.unstubAllEnvs());

const source = `import { bank } from "./bank.ts";
import { format } from "./format.ts";
export const label = (amount: number) => format(amount);
export async function charge(amount: number) { "use step"; return bank.charge("secret", amount); }
export const api = { async refund(amount: number) { "use step"; return bank.refund(amount); } };
export async function fulfil(amount: number) { "use workflow"; async function note() { "use step"; bank.note(); } await note(); return charge(amount); }
`;

test("the module for a browser has neither the bodies of steps and workflows nor the imports that only they use", () => {
  const { code, diagnostics } = compile(source, { id: "shop/src/order.ts", target: "client" });
  expect(diagnostics).toEqual([]);
  expect(code).toContain('import { format } from "./format.ts"');
  expect(code).toContain("export const label = (amount: number) => format(amount);");
  expect(code).not.toMatch(/bank|secret|note/);
  expect(code).toContain('export async function charge(...$args) { return $unavailable("shop/src/order.ts#charge"); }');
  expect(code).toContain('async refund(...$args) { return $unavailable("shop/src/order.ts#api.refund"); }');
});

test.each(fixtures("compile"))("$name has no directive left in the module for a browser, which parses", ({ input, code }) => {
  const client = compile(code, { id: `shop/src/${input}`, target: "client" });
  const again = compile(client.code, { id: `shop/src/${input}`, target: "client" });
  expect(again.diagnostics).toEqual([]);
  expect([...again.manifest.steps, ...again.manifest.workflows]).toEqual([]);
});

test("Vite builds for browsers without what steps do, and the functions say why they cannot be called", async () => {
  vi.stubEnv("VITEST", undefined);
  const { root } = createApp({
    "index.html": `<script type="module" src="./src/main.ts"></script>`,
    "src/main.ts": `import { charge, label } from "./order.ts"; document.title = label(3); charge(3).catch((error) => console.log(error.message));`,
    "src/order.ts": source,
    "src/bank.ts": `import { readFileSync } from "node:fs"; export const bank = { charge: (key: string, amount: number) => readFileSync(key + amount), refund: (n: number) => n, note() {} };`,
    "src/format.ts": "export const format = (amount: number) => `${amount} EUR`;",
  });
  await build({ root, configFile: false, logLevel: "silent", plugins: [vitePlugin()], build: { outDir: "out", minify: false } });
  const assets = path.join(root, "out/assets");
  const text = readdirSync(assets)
    .map((file) => readFileSync(path.join(assets, file), "utf8"))
    .join("\n");
  expect(text).toContain("EUR");
  expect(text).toContain("it runs on the server");
  expect(text).not.toMatch(/readFileSync|secret/);
});
