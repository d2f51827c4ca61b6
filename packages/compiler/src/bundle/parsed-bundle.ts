import type { Program } from "@babel/types";
import { TraceMap, originalPositionFor } from "@jridgewell/trace-mapping";
import { type ScopeTree, buildScopeTree } from "../analyse/scope-tree.ts";
import { parse } from "../parse/parse.ts";
import type { Output } from "./build-parts.ts";

/** A place in a source of the bundle: the path in the source map, the line from 1, the column from 0. */
export interface OriginalPlace {
  source: string;
  line: number;
  column: number;
}

/** A finished bundle, for checks of what is in it. */
export interface ParsedBundle {
  program: Program;
  tree: ScopeTree;
  /** What stands at an offset of the bundle, in the sources; null if it comes from none. */
  originalOf(offset: number): OriginalPlace | null;
}

/** Parses a bundle. One that does not parse as a function has a top-level `await`: then the result is its place. */
export function parseBundle({ code, map }: Output): { ok: true; bundle: ParsedBundle } | { ok: false; place: OriginalPlace } {
  const trace = new TraceMap(map);
  const placeOf = placeFinder(code);
  const originalOf = (offset: number): OriginalPlace | null => {
    const { source, line, column } = originalPositionFor(trace, placeOf(offset));
    return source === null ? null : { source, line, column };
  };
  const parsed = parse(code, "bundle.cjs");
  if (!parsed.ok) return { ok: false, place: originalOf(parsed.offset) ?? { source: "", line: 1, column: 0 } };
  const { program } = parsed.file;
  return { ok: true, bundle: { program, tree: buildScopeTree(program), originalOf } };
}

/** Offsets to lines (from 1) and columns (from 0), by the starts of lines: a bundle has few lines. */
function placeFinder(code: string): (offset: number) => { line: number; column: number } {
  const starts = [0];
  for (let index = code.indexOf("\n"); index >= 0; index = code.indexOf("\n", index + 1)) starts.push(index + 1);
  return (offset) => {
    const line = starts.findLastIndex((start) => start <= offset);
    return { line: line + 1, column: offset - (starts[line] ?? 0) };
  };
}
