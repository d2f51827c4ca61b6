import { existsSync, readFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";

import type { SourcePosition } from "../../source-position.ts";
import { excerptAt } from "../../source-positions.ts";

/** The folder of this package's modules, and the module through which workflow code calls steps that other modules export. */
const own = fileURLToPath(new URL("../../", import.meta.url));
const stepCalls = join(own, "sandbox", "module-graph", "index.");

const frame = /^ *at (?:.*\()?(?:async )?((?:file:\/\/)?[^()\s][^()]*?):(\d+):(\d+)\)?$/gm;

/**
 * Where a frame of workflow code in a stack is in the source, as Vitest has mapped it. What stands for a step is a frame of its own before the call of it, as in a bundle: in the
 * workflow's own module the function, else a place in this package.
 */
export function positionInPlace(stack: string, index: number): SourcePosition | null {
  const frames = [...stack.matchAll(frame)].flatMap(([, from = "", line, column]) => {
    const path = from.startsWith("node:") ? null : pathOf(from);
    return path === null || isOthers(path) ? [] : [{ path, line: Number(line), column: Number(column) }];
  });
  const found = frames[index] ?? frames[0];
  if (!found) return null;
  const { path, line, column } = found;
  return { file: pathInPackage(path), line, column, text: textAt(path, line, column - 1) };
}

const pathOf = (from: string): string => (from.startsWith("file:") ? fileURLToPath(from) : from).split("?", 1)[0] ?? "";

const isOthers = (path: string): boolean =>
  path.startsWith(own) ? !path.startsWith(stepCalls) : path.includes(`${sep}node_modules${sep}`);

/** The path of a file from the folder of the package.json. */
function pathInPackage(file: string): string {
  for (let folder = dirname(file); folder !== dirname(folder); folder = dirname(folder)) {
    if (existsSync(join(folder, "package.json"))) return relative(folder, file).replaceAll(sep, "/");
  }
  return file;
}

/** (A module may be none of a file.) */
function textAt(file: string, line: number, column: number): string {
  try {
    return excerptAt(readFileSync(file, "utf8"), { line, column });
  } catch {
    return "";
  }
}
