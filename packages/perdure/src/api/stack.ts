import { originalPositionFor, TraceMap } from "@jridgewell/trace-mapping";
import type { RunRecord, World } from "@perdure/world";

import { createBundles } from "../worker/bundles.ts";

const frame = /perdure:workflow\/([0-9a-f]+):(\d+):(\d+)/g;

/** Rewrites the frames of workflow code in an error's stack to original files, lines and columns, as far as the version's source map is known. */
export async function mapStack(
  error: Error,
  world: World,
  { workflowId, version }: Pick<RunRecord, "workflowId" | "version">,
): Promise<void> {
  if (!error.stack?.includes(`perdure:workflow/${version}`)) return;
  const map = await findMap(world, workflowId, version);
  const stack = error.stack.replace(frame, (text: string, found: string, line: string, column: string) => {
    if (found !== version || !map) return text;
    const original = originalPositionFor(map, { line: Number(line), column: Number(column) - 1 });
    return original.source === null ? text : `${original.source}:${original.line}:${original.column + 1}`;
  });
  Object.defineProperty(error, "stack", { value: stack, enumerable: false, configurable: true, writable: true });
}

async function findMap(world: World, workflowId: string, version: string): Promise<TraceMap | null> {
  try {
    const bundle = await createBundles(world).find(workflowId, version);
    return "map" in bundle ? new TraceMap(bundle.map) : null;
  } catch {
    // A stack that cannot be mapped is still a stack.
    return null;
  }
}
