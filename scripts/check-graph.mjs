// The rules about imports and names that oxlint cannot express (.oxlintrc.json has the others):
// - the package graph: which of our packages each package.json may list as a dependency;
// - `perdure` loads a World only when it is used: the import in src/config.ts is dynamic;
// - no relative import leaves its package, except that tests and the benchmark use the repository's scripts;
// - what the engine reaches, however indirectly, imports neither Node modules nor a package of ours;
// - no file or folder is a grab bag.
import { readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { root } from "./run.mjs";
import { importsOf, packageFolders, sourceFiles } from "./source-files.mjs";

/** Package → those of ours that it may depend on. A new package starts with a line here. */
const graph = {
  "@perdure/world": [],
  "@perdure/world-sqlite": ["@perdure/world"],
  "@perdure/world-postgres": ["@perdure/world"],
  "@perdure/compiler": [],
  perdure: ["@perdure/world", "@perdure/world-sqlite", "@perdure/world-postgres"],
  "@perdure/cli": ["@perdure/compiler", "@perdure/world", "@perdure/world-postgres", "perdure"],
};
const grabBags = new Set(["utils", "util", "shared", "common", "helpers", "helper", "types", "misc"]);
const engine = "packages/perdure/src/engine";

const problems = [];
const report = (where, what) => problems.push(`${where}: ${what}`);
const isOurs = (name) => name === "perdure" || name.startsWith("perdure/") || name.startsWith("@perdure/");

/** The package.json files list what the graph allows. Development dependencies are free: they reach no user. */
function checkManifest(folder) {
  const manifest = JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8"));
  const allowed = graph[manifest.name];
  if (allowed === undefined) return report(`${folder}/package.json`, `${manifest.name} is not in the graph of scripts/check-graph.mjs`);
  for (const kind of ["dependencies", "peerDependencies", "optionalDependencies"]) {
    for (const name of Object.keys(manifest[kind] ?? {}).filter(isOurs)) {
      if (!allowed.includes(name)) report(`${folder}/package.json`, `${manifest.name} may not depend on ${name}`);
    }
  }
}

/** The target of a relative import, as a path from the root. */
const target = (path, specifier) => posix.join(posix.dirname(path), specifier);

const isRelative = (specifier) => specifier.startsWith(".");

/** The imports of one file of a package. */
function checkImports(path, folder, imports) {
  for (const { specifier, line, dynamic } of imports) {
    const where = `${path}:${line}`;
    const to = isRelative(specifier) ? target(path, specifier) : undefined;
    const isTool = to?.startsWith("scripts/") && (folder === "bench" || path.startsWith(`${folder}/test/`));
    if (to !== undefined && !isTool && !to.startsWith(`${folder}/`)) {
      report(where, `"${specifier}" leaves the package; import it by its name`);
    }
    if (folder === "packages/perdure" && specifier.startsWith("@perdure/world-") && path.includes("/src/") && !dynamic) {
      report(where, `"${specifier}" must be loaded when it is used: await import(…)`);
    }
  }
}

/** A path names what it holds. */
function checkName(path) {
  for (const part of path.split("/")) {
    if (grabBags.has(part.replace(/\.[^/]*$/, ""))) report(path, `"${part}" says nothing; name it after what it exports`);
  }
}

/** Walks from the engine's files over relative imports of values; types leave no trace at run time. */
function checkEngine(importsByPath) {
  const reached = new Map([...importsByPath.keys()].filter((path) => path.startsWith(`${engine}/`)).map((path) => [path, path]));
  for (const [path, chain] of reached) {
    for (const { specifier, line, typeOnly } of importsByPath.get(path) ?? []) {
      if (typeOnly) continue;
      if (specifier.startsWith("node:") || isOurs(specifier)) report(`${path}:${line}`, `the engine reaches "${specifier}" (${chain})`);
      const next = isRelative(specifier) ? target(path, specifier) : undefined;
      if (next !== undefined && !reached.has(next)) reached.set(next, `${chain} → ${next}`);
    }
  }
}

const importsByPath = new Map();
for (const folder of packageFolders()) {
  if (folder.startsWith("packages/")) checkManifest(folder);
  for (const path of sourceFiles(folder)) {
    const imports = importsOf(path);
    importsByPath.set(path, imports);
    checkName(path);
    if (path.endsWith(".config.ts")) continue; // build settings are the repository's, not the package's
    checkImports(path, folder, imports);
  }
}
for (const path of [...sourceFiles("tests"), ...sourceFiles("scripts")]) {
  checkName(path);
  for (const { specifier, line } of importsOf(path)) {
    if (isRelative(specifier) && /^(packages|examples|bench)\//.test(target(path, specifier))) {
      report(`${path}:${line}`, `"${specifier}" enters a package by a path; import it by its name`);
    }
  }
}
checkEngine(importsByPath);

for (const problem of problems) console.error(problem);
console.log(`check-graph: ${importsByPath.size} files, ${problems.length === 0 ? "no problems" : `${problems.length} problems`}`);
process.exitCode = problems.length === 0 ? 0 : 1;
