import type { RunRecord, World } from "@perdure/world";

import { hasFrames, mapFrames } from "../source-positions.ts";
import { createBundles } from "../worker/bundles.ts";

/** Rewrites the frames of workflow code in an error's stack to original files, lines and columns, as far as the version's source map is known. */
export async function mapStack(
  error: Error,
  world: World,
  { workflowId, version }: Pick<RunRecord, "workflowId" | "version">,
): Promise<void> {
  if (!hasFrames(error.stack)) return;
  try {
    mapFrames(error, workflowId, await createBundles(world).find(workflowId, version));
  } catch {
    // A stack that cannot be mapped is still a stack.
  }
}
