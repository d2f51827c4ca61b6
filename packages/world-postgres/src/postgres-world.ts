import type { World } from "@perdure/world";
import { WorldError } from "@perdure/world";
import { createCommitLanes } from "./commit-lanes.ts";
import type { InternalOptions, PostgresWorldOptions } from "./options.ts";
import { worldOn } from "./server-world.ts";
import { createShardedWorld } from "./shards/sharded-world.ts";
import { createStore } from "./store.ts";

/**
 * Creates a World that keeps everything in one schema of a PostgreSQL database (13 to 18). Nothing is opened before `setup()`.
 *
 * A promise that resolves means that the write is as durable as the server's `synchronous_commit` makes it. Any number of processes and machines may
 * use the schema at once. Times are those of the database's clock.
 *
 * @throws WORLD_INVALID_ARGUMENT when there is neither a URL nor a pool, the schema's name is empty or longer than 63 bytes, or a number is out of its range
 */
export function createPostgresWorld(options: PostgresWorldOptions): World {
  return createPostgresWorldOn(options, {});
}

/** {@link createPostgresWorld}, with a clock of one's own. */
export function createPostgresWorldOn(options: PostgresWorldOptions, internal: InternalOptions): World {
  if (options.shards !== undefined) return createShardedWorld(options.shards, options, internal);
  const from = options.pool ?? options.url;
  if (from === undefined) {
    throw new WorldError("WORLD_INVALID_ARGUMENT", "A World on PostgreSQL needs a database.", { hint: "Pass a `url` or a `pool`." });
  }
  const { of: laneOf } = createCommitLanes(options.commitLanes);
  return { ...worldOn(createStore(options, internal, { from, locality: null })), laneOf };
}
