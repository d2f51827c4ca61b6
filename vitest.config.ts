import { existsSync, readdirSync } from "node:fs";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

// Tests run from src, without a build: every package exports its sources under the first condition
// (docs/decisions/0003-source-condition.md). The others are Vite's defaults for a server.
const conditions = ["@perdure/source", "module", "node", "development|production"];

const fromRoot = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** One project per folder with tests: `npx vitest --project world`. */
const project = (name: string, root: string, include: string) => ({
  root: fromRoot(root),
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    name,
    // A machine that does other things as well takes its time; a test that waits for what never comes ends all the same.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 30_000 } },
    include: [include],
    exclude: ["**/node_modules/**", "**/dist/**", "**/fixtures/**", "**/apps/**"],
  },
});

const below = (folder: string) => readdirSync(fromRoot(folder)).map((name) => `${folder}/${name}`);
const tested = [...below("packages"), ...below("examples"), "bench"].filter((folder) => existsSync(fromRoot(`${folder}/test`)));

export default defineConfig({
  test: {
    // One per core: by default one is left free, and with half as many again the tests take a fifth longer.
    maxWorkers: "100%",
    globalSetup: [fromRoot("scripts/vitest-setup.mjs")],
    projects: [
      ...tested.map((folder) => project(basename(folder), folder, "test/**/*.test.ts")),
      project("tests", "tests", "**/*.test.ts"),
    ],
  },
});
