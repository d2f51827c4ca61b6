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
