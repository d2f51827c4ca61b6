import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "../repository.ts";
import { undirected } from "./undirected.ts";

const fixtures = join(root, "packages/compiler/test/fixtures/compile");
const isCode = /\.[cm]?[jt]sx?$/;
const isExpected = /^(?:host|workflow)\.[cm]?[jt]sx?$/;

/** A fixture of the compiler, copied twice into packages of their own that are named after it: as it is, and without its directives. */
export interface StagedFixture {
  readonly name: string;
  readonly directed: string;
  readonly undirected: string;
  /** The modules of the directed copy, absolute. */
  readonly modules: readonly string[];
  /** The module of each copy that says what to run: `run.ts`. */
  readonly entry: string;
}

/** Where the fixtures' copies are. */
export interface Stage {
  readonly folder: string;
  readonly fixtures: readonly StagedFixture[];
  remove(): void;
}

/** Copies all fixtures into a temporary folder from which `perdure` can be imported. */
export function createStage(): Stage {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "perdure-fixtures-")));
  mkdirSync(join(folder, "node_modules"));
  for (const name of ["perdure", "@perdure"]) symlinkSync(join(root, "node_modules", name), join(folder, "node_modules", name));
  return {
    folder,
    fixtures: readdirSync(fixtures)
      .sort()
      .map((name) => stageFixture(folder, name)),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

function stageFixture(stage: string, name: string): StagedFixture {
  const directed = copy(name, join(stage, "directed", name));
  const plain = copy(name, join(stage, "undirected", name));
  const filesIn = (folder: string) => readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((file) => isCode.test(file));
  for (const file of filesIn(plain)) {
    const path = join(plain, file);
    writeFileSync(path, undirected(readFileSync(path, "utf8"), path));
  }
  const modules = filesIn(directed).map((file) => join(directed, file));
  for (const folder of [directed, plain]) addEntry(folder);
  return { name, directed, undirected: plain, modules, entry: "run.ts" };
}

/** Copies a fixture without its expected output, and makes it a package. */
function copy(name: string, folder: string): string {
  const source = join(folder, "src");
  cpSync(join(fixtures, name), source, { recursive: true, filter: (path) => !isExpected.test(path.slice(path.lastIndexOf("/") + 1)) });
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name, type: "module" }));
  return source;
}

/** A fixture that does not say what to run has one workflow and runs it without arguments. */
function addEntry(folder: string): void {
  const entry = join(folder, "run.ts");
  const input = readdirSync(folder).find((file) => file.startsWith("input."));
  if (!existsSync(entry)) writeFileSync(entry, `export * as input from "./${input}";\n`);
}
