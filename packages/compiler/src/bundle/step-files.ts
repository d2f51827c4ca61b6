import { readFileSync } from "node:fs";
import path from "node:path";
import type { Metafile } from "esbuild";
import { mayHaveDirectives } from "../parse/pre-filter.ts";
import { compileFile } from "./compile-file.ts";

const codeFile = /\.[cm]?[jt]sx?$/;

/** The files with the steps of which something is left in the bundles: absolute paths, in the order of their names. */
export function stepFilesOf({ outputs }: Metafile, root: string): string[] {
  const names = Object.values(outputs).flatMap(({ inputs }) => Object.keys(inputs));
  const files = [...new Set(names)].filter((name) => codeFile.test(name)).map((name) => path.resolve(root, name));
  return files.filter(declaresSteps).sort();
}

function declaresSteps(file: string): boolean {
  return mayHaveDirectives(readFileSync(file, "utf8")) && compileFile(file).manifest.steps.length > 0;
}
