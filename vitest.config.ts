import { existsSync, readdirSync } from "node:fs";
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
  test: { name, include: [include], exclude: ["**/node_modules/**", "**/dist/**", "**/fixtures/**", "**/apps/**"] },
});

const tested = readdirSync(fromRoot("packages")).filter((name) => existsSync(fromRoot(`packages/${name}/test`)));

export default defineConfig({
  test: {
    globalSetup: [fromRoot("scripts/vitest-setup.mjs")],
    projects: [...tested.map((name) => project(name, `packages/${name}`, "test/**/*.test.ts")), project("tests", "tests", "**/*.test.ts")],
  },
});
