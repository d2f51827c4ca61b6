import { execFile } from "node:child_process";
import { existsSync, symlinkSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test, vi } from "vitest";
import { createApp } from "./temporary-app.ts";

// Bundlers and processes start slowly on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

const repository = path.join(path.dirname(fileURLToPath(import.meta.url)), "../../..");

test.skipIf(!existsSync(path.join(repository, "packages/compiler/dist/plugins/vite.js")))(
  "under Vitest, steps run as functions and workflows have bundles",
  async () => {
    const { root, file } = createApp({
      "vitest.config.ts": `import perdure from "@perdure/compiler/vite";\nexport default { plugins: [perdure()] };\n`,
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
