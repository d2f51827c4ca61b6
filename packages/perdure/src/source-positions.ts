import { originalPositionFor, TraceMap } from "@jridgewell/trace-mapping";

import type { WorkflowBundle, WorkflowInPlace } from "./registry.ts";
import { hashOf, splitBundle } from "./sandbox/bundle-text.ts";

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

/** A place in the source; line and column count from 1. */
export interface SourcePosition {
  /** The path from the folder of the package.json. */
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** Where the frames of workflow code in a stack come from, the innermost first: those of which the source map knows it. */
export function positionsOf(stack: string, workflowId: string, bundle: WorkflowBundle | WorkflowInPlace): SourcePosition[] {
  if (!("map" in bundle)) return [];
  const maps = mapsOf(workflowId, bundle);
  return [...stack.matchAll(frame)].flatMap(([, found = "", line, column]) => {
    const part = maps.get(found);
    const original = part && originalPositionFor(part.map, { line: part.lines + Number(line), column: Number(column) - 1 });
    return original?.source == null ? [] : [{ file: original.source, line: original.line, column: original.column + 1 }];
  });
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
