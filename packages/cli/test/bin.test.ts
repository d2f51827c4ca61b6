// The bin as a process of its own. Node 20 cannot load our sources, so they are bundled first; dependencies stay imports.
import { execFile } from "node:child_process";
import { rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { afterAll, beforeAll, expect, test } from "vitest";

const cli = fileURLToPath(new URL("../", import.meta.url));
const bin = `${cli}.tmp/bin-test.mjs`;

beforeAll(async () => {
  await build({
    entryPoints: [`${cli}src/bin.ts`],
    outfile: bin,
    bundle: true,
    platform: "node",
    format: "esm",
    conditions: ["@perdure/source"],
    external: ["esbuild", "@babel/*"],
    banner: { js: `import { createRequire as requireFrom } from "node:module"; const require = requireFrom(import.meta.url);` },
  });
});

afterAll(() => rmSync(bin, { force: true }));

function run(args: string[], env: Record<string, string> = {}): Promise<{ status: unknown; out: string; err: string }> {
  const { NO_COLOR: _no, FORCE_COLOR: _force, ...others } = process.env;
  return new Promise((resolve) => {
    execFile(process.execPath, [bin, ...args], { cwd: cli, env: { ...others, ...env } }, (error, out, err) =>
      resolve({ status: error?.code ?? 0, out, err }),
    );
  });
}

test("prints to standard output and standard error, and sets the exit status", async () => {
  expect(await run(["transform", "src/bin.ts"])).toEqual({
    status: 0,
    out: "",
    err: expect.stringContaining('no "use workflow"') as string,
  });
  expect(await run(["transform", "src/nowhere.ts"])).toMatchObject({
    status: 2,
    out: "",
    err: expect.stringContaining("There is no file") as string,
  });
  expect(await run(["--version"])).toMatchObject({ status: 0, out: expect.stringMatching(/^\d+\.\d+\.\d+/) as string });
});

test("output that goes elsewhere has no colours, and neither has a terminal's width", async () => {
  const { status, out } = await run(["transform", "../compiler/test/fixtures/compile/nested-steps/input.ts"], { COLUMNS: "200" });
  expect(status).toBe(0);
  expect(out).not.toContain("\u001b");
  expect(out).toMatch(/^── host: /);
});
