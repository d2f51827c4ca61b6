import { originalPositionFor, TraceMap } from "@jridgewell/trace-mapping";

import type { WorkflowBundle, WorkflowInPlace } from "./registry.ts";
import { hashOf, splitBundle } from "./sandbox/bundle-text.ts";
import type { SourcePosition } from "./source-position.ts";

const frame = /perdure:(?:workflow|shared)\/([0-9a-f]+):(\d+):(\d+)/g;

/** Whether a text has frames of workflow code. */
export function hasFrames(text: string | undefined): boolean {
  return text?.match(frame) != null;
}

/** Rewrites the frames of workflow code in an error's stack to original files, lines and columns. Anything else is left as it is. */
export function mapFrames(error: unknown, workflowId: string, bundle: WorkflowBundle | WorkflowInPlace): void {
  if (!(error instanceof Error) || !error.stack || !hasFrames(error.stack) || !("map" in bundle)) return;
  const maps = mapsOf(workflowId, bundle);
  const stack = error.stack.replace(frame, (text: string, found: string, line: string, column: string) => {
    const part = maps.get(found);
    if (!part) return text;
    const original = originalPositionFor(part.map, { line: part.lines + Number(line), column: Number(column) - 1 });
    return original.source === null ? text : `${original.source}:${original.line}:${original.column + 1}`;
  });
  Object.defineProperty(error, "stack", { value: stack, enumerable: false, configurable: true, writable: true });
}

/**
 * Where a frame of workflow code in a stack comes from. Null: no frame, or the source map does not know it.
 * @param index 0 for the innermost; where there are not so many, that one
 */
export function positionOf(
  stack: string,
  index: number,
  workflowId: string,
  bundle: WorkflowBundle | WorkflowInPlace,
): SourcePosition | null {
  if (!("map" in bundle)) return bundle.positionOf(stack, index);
  const maps = mapsOf(workflowId, bundle);
  const frames = [...stack.matchAll(frame)].filter(([, found = ""]) => maps.has(found));
  const [, found = "", line, column] = frames[index] ?? frames[0] ?? [];
  const part = maps.get(found);
  if (!part) return null;
  const place = { line: part.lines + Number(line), column: Number(column) - 1 };
  const original = originalPositionFor(part.map, place);
  if (original.source === null) return null;
  return { file: original.source, line: original.line, column: original.column + 1, text: excerptAt(bundle.code, place) };
}

const longestExcerpt = 80;

/** The call that begins at a place of code, up to its last bracket. Lines count from 1, columns from 0. */
export function excerptAt(code: string, { line, column }: { readonly line: number; readonly column: number }): string {
  const text = code.split("\n", line)[line - 1]?.slice(column) ?? "";
  let depth = 0;
  for (let index = 0; index < Math.min(text.length, longestExcerpt); index++) {
    if ("([{".includes(text.charAt(index))) depth++;
    else if (")]}".includes(text.charAt(index)) && --depth <= 0) {
      if (depth < 0) return text.slice(0, index);
      // (Other brackets may stand before those of the call.)
      if (text.charAt(index) === ")") return text.slice(0, index + 1);
    } else if (depth === 0 && ";,".includes(text.charAt(index))) return text.slice(0, index);
  }
  return text.length > longestExcerpt ? `${text.slice(0, longestExcerpt)}…` : text;
}

/** Where frames of a part of a bundle lead to. */
interface PartMap {
  readonly map: TraceMap;
  /** How many lines of the bundle come before the part. */
  readonly lines: number;
}

/** The maps of the parts of a bundle, by what frames call them. A stack that cannot be mapped is still a stack. */
function mapsOf(workflowId: string, bundle: WorkflowBundle): Map<string, PartMap> {
  let maps = read.get(bundle);
  if (!maps) read.set(bundle, (maps = readMaps(workflowId, bundle)));
  return maps;
}

/** For as long as the bundle is there: a run that fails is seldom the only one. */
const read = new WeakMap<WorkflowBundle, Map<string, PartMap>>();

function readMaps(workflowId: string, { code, map: text, version }: WorkflowBundle): Map<string, PartMap> {
  const maps = new Map<string, PartMap>();
  try {
    const map = new TraceMap(text);
    maps.set(version, { map, lines: 0 });
    const { main, shared } = splitBundle(code, workflowId);
    if (shared !== null) maps.set(hashOf(shared), { map, lines: main.split("\n").length - 1 });
  } catch {
    return maps;
  }
  return maps;
}
