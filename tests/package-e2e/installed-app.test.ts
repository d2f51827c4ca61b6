import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type InstalledApp, installApp } from "./installed-app.ts";

const minutes = 60_000;
const tsc = fileURLToPath(import.meta.resolve("typescript/bin/tsc"));
let app: InstalledApp;

beforeAll(async () => {
  app = await installApp();
}, 3 * minutes);

afterAll(() => app?.remove());

test(
  "an app of one file runs with the Node loader",
  async () => {
    expect(await app.node("--import", "@perdure/compiler/register", "app.ts")).toBe("HELLO WORLD\n");
  },
  3 * minutes,
);

test(
  "the app's types hold against the installed declarations, which are correct themselves",
  async () => {
    expect(await app.node(tsc, "--project", ".")).toBe("");
  },
  3 * minutes,
);

test(
  "the same app, built with Vite for the server, prints the same",
  async () => {
    await app.node("node_modules/vite/bin/vite.js", "build", "--logLevel", "warn");
    expect(await app.node("dist-vite/app.js")).toBe("HELLO WORLD\n");
  },
  3 * minutes,
);

test(
  "the same app, built with esbuild, prints the same",
  async () => {
    await app.node("build-with-esbuild.mjs");
    expect(await app.node("dist-esbuild/app.js")).toBe("HELLO WORLD\n");
  },
  3 * minutes,
);

test(
  "the command shows what the compiler makes of the app",
  async () => {
    const manifest = await app.node("node_modules/@perdure/cli/dist/bin.js", "transform", "app.ts", "--manifest");
    expect(manifest).toMatch(/^workflow +shop\/app\.ts#\w+ +app\.ts:\d+:\d+$/m);
  },
  3 * minutes,
);

test(
  "the URL of a World whose package is not installed says what to install (WORLD_PACKAGE_MISSING)",
  async () => {
    await app.uninstall("@perdure/world-postgres");
    const program = `
      process.env.PERDURE_WORLD = "postgres://user:secret@localhost/shop";
      const { getWorld } = await import("perdure/runtime");
      await getWorld().catch(({ code, message }) => console.log(code, message));`;
    const printed = await app.node("--input-type=module", "--eval", program);
    expect(printed).toMatch(/^WORLD_PACKAGE_MISSING .*npm install @perdure\/world-postgres/);
    expect(printed).not.toContain("secret");
  },
  3 * minutes,
);
