import { originalPositionFor, TraceMap } from "@jridgewell/trace-mapping";
import type { RunRecord, World } from "@perdure/world";

import { hashOf, splitBundle } from "../sandbox/bundle-text.ts";
import { createBundles } from "../worker/bundles.ts";

const frame = /perdure:(?:workflow|shared)\/([0-9a-f]+):(\d+):(\d+)/g;

/** Rewrites the frames of workflow code in an error's stack to original files, lines and columns, as far as the version's source map is known. */
export async function mapStack(
  error: Error,
  world: World,
  { workflowId, version }: Pick<RunRecord, "workflowId" | "version">,
): Promise<void> {
  if (!error.stack?.match(frame)) return;
  const maps = await findMaps(world, workflowId, version);
  const stack = error.stack.replace(frame, (text: string, found: string, line: string, column: string) => {
    const part = maps.get(found);
    if (!part) return text;
    const original = originalPositionFor(part.map, { line: part.lines + Number(line), column: Number(column) - 1 });
    return original.source === null ? text : `${original.source}:${original.line}:${original.column + 1}`;
  });
  Object.defineProperty(error, "stack", { value: stack, enumerable: false, configurable: true, writable: true });
}

/** Where frames of a part of a bundle lead to. */
interface PartMap {
  readonly map: TraceMap;
  /** How many lines of the bundle come before the part. */
  readonly lines: number;
}

/** The maps of the parts of a bundle, by what frames call them. */
async function findMaps(world: World, workflowId: string, version: string): Promise<Map<string, PartMap>> {
  const maps = new Map<string, PartMap>();
  try {
    const bundle = await createBundles(world).find(workflowId, version);
    if (!("map" in bundle)) return maps;
    const map = new TraceMap(bundle.map);
    maps.set(version, { map, lines: 0 });
    const { main, shared } = splitBundle(bundle.code, workflowId);
    if (shared !== null) maps.set(hashOf(shared), { map, lines: main.split("\n").length - 1 });
  } catch {
    // A stack that cannot be mapped is still a stack.
  }
  return maps;
}
