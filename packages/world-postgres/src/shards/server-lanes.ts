import type { Renewal } from "@perdure/world";
import { createCommitLanes } from "../commit-lanes.ts";
import type { Cluster } from "./cluster.ts";
import type { Shard } from "./shard.ts";

/** The lanes of all servers: each has those of a single one. */
export interface ServerLanes {
  of(runId: string): string;
  /** What is said of a worker's leases when these servers have renewed theirs. */
  renewalBy(renewed: readonly Shard[]): Renewal;
}

/** @throws WORLD_INVALID_ARGUMENT */
export function createServerLanes(cluster: Cluster, lanesOfEach?: number): ServerLanes {
  const { of: laneOf, all } = createCommitLanes(lanesOfEach);
  return {
    of: (runId) => `${cluster.serverOf(runId)} ${laneOf(runId)}`,
    renewalBy(renewed) {
      if (renewed.length === cluster.shards.length) return {};
      return { renewed: new Set(renewed.flatMap(({ name }) => all.map((lane) => `${name} ${lane}`))) };
    },
  };
}
