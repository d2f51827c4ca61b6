import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { mayHaveDirectives } from "@perdure/compiler";

import { sourceWithSteps } from "./sources.ts";

/** A folder like that of a large application. */
export interface Tree {
  readonly root: string;
  readonly files: readonly string[];
  readonly bytes: number;
  /** The files that hold steps and workflows, absolute, sorted. */
  readonly marked: readonly string[];
}

const fileCount = 5000;
const markedEvery = 100;
const isSource = /\.(?:[cm]?js|tsx?)$/;
const isOther = /\.d\.ts$|\.min\.js$|\.(?:test|spec|bench|stories)\./;
/** A scan rightly leaves out folders of these names, so the copies bear others. */
const renamed: Readonly<Record<string, string>> = {
  node_modules: "vendored",
  dist: "dst",
  build: "bld",
  out: "ot",
  output: "otp",
  coverage: "cov",
};

/** Fills a folder with copies of the source files of installed packages, 1 in 100 replaced by a module with steps and workflows. The same for the same installed packages. */
export function growTree(root: string, nodeModules: string): Tree {
  writeFile(path.join(root, "package.json"), JSON.stringify({ name: "large-app", type: "module" }));
  const [files, marked]: [string[], string[]] = [[], []];
  let bytes = 0;
  for (const [round, file] of endless(nodeModules)) {
    const original = readFileSync(path.join(nodeModules, file), "utf8");
    if (original.length < 500 || original.length > 100_000 || mayHaveDirectives(original)) continue;
    const isMarked = files.length % markedEvery === 0;
    const folder = path.join(
      root,
      `src${round}`,
      ...path
        .dirname(file)
        .split(path.sep)
        .map((name) => renamed[name] ?? name),
    );
    const target = path.join(folder, isMarked ? `marked-${files.length}.ts` : path.basename(file));
    const text = isMarked ? sourceWithSteps(original.length, `Marked${files.length}`) : original;
    writeFile(target, text);
    if (isMarked) marked.push(target);
    bytes += Buffer.byteLength(text);
    if (files.push(target) === fileCount) return { root, files, bytes, marked: marked.sort() };
  }
  throw new Error(`There are no suitable source files in ${nodeModules}.`);
}

/** The sources below a folder, again and again as long as there are any. */
function* endless(nodeModules: string): Generator<[round: number, file: string]> {
  const files = [...sourcesBelow(nodeModules, "")];
  for (let round = 1; files.length > 0; round++) for (const file of files) yield [round, file];
}

function* sourcesBelow(root: string, folder: string): Generator<string> {
  const entries = readdirSync(path.join(root, folder), { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    const name = path.join(folder, entry.name);
    if (entry.name.startsWith(".") || entry.name.startsWith("__")) continue;
    if (entry.isDirectory()) yield* sourcesBelow(root, name);
    else if (entry.isFile() && isSource.test(entry.name) && !isOther.test(entry.name)) yield name;
  }
}

function writeFile(file: string, text: string): void {
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, text);
}
