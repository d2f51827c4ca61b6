import { WorldError } from "@perdure/world";
import type { PostgresWorldOptions } from "../options.ts";
import { createStore } from "../store.ts";
import { createCluster } from "./cluster.ts";
import { createShard, QUICK_MS } from "./shard.ts";
import type { ShardState } from "./topology.ts";

/**
 * Closes a server of a World for new runs, or opens it again. A closed one keeps the runs that it has until they end, and still gets children of those, and runs whose keys have
 * their home there. Processes that run take notice within ten seconds.
 *
 * @param options those of the World; the server that decides must be up: the first of those that it began with, by name
 * @throws WORLD_INVALID_ARGUMENT when there is no such server; WORLD_UNAVAILABLE
 */
export async function setShardState(options: PostgresWorldOptions, name: string, state: ShardState): Promise<void> {
  const nowhere = { isLocal: () => false, isHome: () => false, noteOutbox: () => {} };
  const shards = Object.entries(options.shards ?? {}).map(([name, from]) =>
    createShard(name, createStore({ ...options, notify: false }, {}, { from, locality: nowhere }), QUICK_MS, {
      comesUp: async () => {},
      isUp: () => {},
    }),
  );
  if (shards.length === 0)
    throw new WorldError("WORLD_INVALID_ARGUMENT", "There are no servers to open or close.", { hint: "Pass `shards`." });
  try {
    await Promise.all(shards.map((shard) => shard.open()));
    const cluster = createCluster(shards, false);
    await cluster.setup();
    await cluster.setState(name, state);
  } finally {
    await Promise.all(shards.map((shard) => shard.close()));
  }
}
