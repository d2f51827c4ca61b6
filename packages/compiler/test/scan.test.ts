import path from "node:path";
import { expect, test } from "vitest";
import { findDirectiveModules } from "../src/scan/find-directive-modules.ts";
import { createApp } from "./temporary-app.ts";

const step = `export async function a() { "use step"; }\n`;

function found(files: Record<string, string>, include?: string[]): string[] {
  const { root } = createApp(files);
  const { files: modules } = findDirectiveModules(root, include ? { include } : {});
  return modules.map((file) => path.relative(root, file).split(path.sep).join("/"));
}

test("modules with directives are found by what they parse to", () => {
  const modules = found({
    "src/a.ts": step,
    "src/deep/er/b.mjs": `export async function b() { 'use workflow'; }\n`,
    "src/c.tsx": `export const c = async () => { "use step"; return <b />; };\n`,
    "src/comment.ts": `// "use step" marks a step\nexport const x = 1;\n`,
    "src/text.ts": "export const help = 'Write \"use workflow\" at the top.';\n",
    "src/data.json": `{ "a": "use step" }`,
    "root.js": step,
  });
  expect(modules).toEqual(["root.js", "src/a.ts", "src/c.tsx", "src/deep/er/b.mjs"]);
});

test("a mistaken directive is found too, so that compiling it reports it", () => {
  expect(found({ "src/a.ts": `export async function a() { "use setp"; }\n` })).toEqual(["src/a.ts"]);
});

test("packages, output, hidden folders, declarations and tests are left out", () => {
  const left = ["node_modules/x/a.js", "dist/a.js", "build/a.js", "out/a.js", "coverage/a.js", ".cache/a.js", ".hidden.js"];
  const tests = ["src/a.test.ts", "src/a.spec.tsx", "src/__tests__/a.ts", "src/a.d.ts"];
  expect(found(Object.fromEntries([...left, ...tests, "src/dist.ts"].map((name) => [name, step])))).toEqual(["src/dist.ts"]);
});

test("what git ignores is left out, by the files of every folder, and what it takes back is not", () => {
  const files = {
    ".gitignore": "/lib\n*.gen.ts\n",
    "lib/a.js": step,
    "src/lib/a.ts": step,
    "src/a.gen.ts": step,
    "packages/p/.gitignore": "!b.gen.ts\ngenerated/\n",
    "packages/p/b.gen.ts": step,
    "packages/p/c.gen.ts": step,
    "packages/p/generated/d.ts": step,
  };
  expect(found(files)).toEqual(["packages/p/b.gen.ts", "src/lib/a.ts"]);
  expect(found(files, ["packages/p"])).toEqual(["packages/p/b.gen.ts"]);
});

test("only the included folders are searched, each file once", () => {
  const files = { "a.ts": step, "src/b.ts": step, "src/c/d.ts": step, "other/e.ts": step, "jobs/f.ts": step };
  expect(found(files, ["src", "jobs", "src/c", "missing"])).toEqual(["src/b.ts", "src/c/d.ts", "jobs/f.ts"]);
});

test("a new file, a changed one and a removed one are seen the next time", () => {
  const app = createApp({ "src/a.ts": step });
  const names = () => findDirectiveModules(app.root).files.map((file) => path.basename(file));
  expect(names()).toEqual(["a.ts"]);
  app.write({ "src/b.ts": step, "src/a.ts": "export const a = 1;\n" });
  expect(names()).toEqual(["b.ts"]);
});
