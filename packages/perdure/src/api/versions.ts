import type { World } from "@perdure/world";

import { findBundle } from "../registry.ts";
import { getWorld } from "../runtime.ts";

/** Code that open runs have. */
export interface WorkflowVersion {
  readonly workflowId: string;
  readonly version: string;
  /** How many open runs have it; at least 1. */
  readonly openRuns: number;
  /** Whether this process starts the workflow with it. */
  readonly isCurrent: boolean;
}

export interface ListVersionsOptions {
  /** Those of one workflow, by its id. Default: of all. */
  readonly workflowId?: string;
  /** Default: the World of the process. */
  readonly world?: World;
}

/**
 * The versions of workflows that open runs have, with the number of those. A version that is not among them is of no use to any run but one that is rewound or forked.
 * In the order of workflow ids. Of a World on several servers: the runs of those that answer.
 */
export async function listVersions({ workflowId, world }: ListVersionsOptions = {}): Promise<readonly WorkflowVersion[]> {
  const { versions } = await (world ?? (await getWorld())).query.versions(workflowId);
  return versions.map((one) => ({
    workflowId: one.workflowId,
    version: one.version,
    openRuns: one.open,
    isCurrent: findBundle(one.workflowId, one.version) !== undefined,
  }));
}
