import path from "node:path";
import { expect, test } from "vitest";
import { createDeclaredIds } from "../src/bundle/declared-ids.ts";
import { fileKey } from "../src/bundle/file-key.ts";
import { locateModule } from "../src/bundle/module-location.ts";
import { compile } from "../src/compile.ts";
import { bundlesId, fileOfBundlesId } from "../src/plugins/bundles-module.ts";
import { type TemporaryApp, createApp } from "./temporary-app.ts";

const lib = (version: string) => JSON.stringify({ name: "lib", version, type: "module" });
const step = (result: number) => `// a comment\nexport async function a() { "use step"; return ${result}; }\n`;

const twoVersions = (first: string, second: string) =>
  createApp({
    "one/node_modules/lib/package.json": lib("1.0.0"),
    "one/node_modules/lib/a.js": first,
    "two/node_modules/lib/package.json": lib("2.0.0"),
    "two/node_modules/lib/a.js": second,
  });

/** Declares files in their order; the diagnostics of the last. */
function declare(app: TemporaryApp, ...names: string[]) {
  const ids = createDeclaredIds();
  return names
    .map((name) => {
      const { file, id } = locateModule(app.file(name));
      const code = app.read(name);
      return ids.declare({ file, code, manifest: compile(code, { id, filename: file, target: "host" }).manifest });
    })
    .at(-1);
}

test("two versions of a package that declare the same function are an error with both paths: DUPLICATE_ID_IN_BUILD", () => {
  const app = twoVersions(step(1), step(2));
  const one = app.file("one/node_modules/lib/a.js");
  const two = app.file("two/node_modules/lib/a.js");
  expect(declare(app, "one/node_modules/lib/a.js", "two/node_modules/lib/a.js")).toMatchObject([
    { code: "DUPLICATE_ID_IN_BUILD", severity: "error", filename: two, start: { line: 2, column: 8 } },
  ]);
  const [diagnostic] = declare(app, "one/node_modules/lib/a.js", "two/node_modules/lib/a.js") ?? [];
  expect(diagnostic?.message).toContain(`lib/a.js#a: ${two} and ${one}`);
});

test("copies with the same text do no harm, nor does the same file again with another", () => {
  const app = twoVersions(step(1), step(1));
  expect(declare(app, "one/node_modules/lib/a.js", "two/node_modules/lib/a.js")).toEqual([]);
  const ids = createDeclaredIds();
  const file = app.file("one/node_modules/lib/a.js");
  for (const code of [step(1), step(2)]) {
    expect(ids.declare({ file, code, manifest: compile(code, { id: "lib/a.js", target: "host" }).manifest })).toEqual([]);
  }
});

test("files with one name in packages of one name may declare different functions", () => {
  const app = twoVersions(step(1), step(1).replace("function a", "function b"));
  expect(declare(app, "one/node_modules/lib/a.js", "two/node_modules/lib/a.js")).toEqual([]);
});

test("on Windows, a path is one path however it is written", () => {
  const ways = ["c:\\shop\\src\\a.ts", "C:\\shop\\src\\a.ts", "c:/shop/src/a.ts", "C:/shop/src/a.ts"];
  expect(new Set(ways.map((way) => fileKey(way, path.win32)))).toEqual(new Set(["C:/shop/src/a.ts"]));
  expect(fileKey("/shop/src/a\\b.ts", path.posix)).toBe("/shop/src/a\\b.ts");
});

test.each([
  ["/shop/src/a.ts", "/shop", path.posix, "virtual:perdure/src/a.ts/bundles"],
  ["/lib/a b%20#?$.ts", "/shop/app", path.posix, "virtual:perdure/$up/$up/lib/a$20b$2520$23$3F$24.ts/bundles"],
  ["C:\\shop\\src\\a.ts", "c:\\shop", path.win32, "virtual:perdure/src/a.ts/bundles"],
  ["D:\\lib\\a.ts", "C:\\shop", path.win32, "virtual:perdure/D$3A/lib/a.ts/bundles"],
] as const)("the bundles of %s have a name below %s, from which the file is found", (file, folder, paths, id) => {
  expect(bundlesId(file, folder, paths)).toBe(id);
  expect(fileKey(fileOfBundlesId(`\0${id}`, folder, paths) ?? "", paths)).toBe(fileKey(file, paths));
});

test("other modules are no bundles", () => {
  for (const id of ["virtual:perdure", "./bundles", "/x/virtual:perdure/a/bundles"]) expect(fileOfBundlesId(id, "/shop")).toBe(null);
});
