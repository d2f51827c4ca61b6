/**
 * A World on several servers. There is no process in between and no transaction over two of them: each run lives on one server, which its id names, and what a
 * transaction there means to runs elsewhere is delivered afterwards. See docs/scaling.md.
 */

import type { StreamAppend, World } from "@perdure/world";
import { assertAppends, isRunId, slotOf, WorldError } from "@perdure/world";
import type { Locality } from "../database/locality.ts";
import type { InternalOptions, PostgresWorldOptions } from "../options.ts";
import { newRunId } from "../run-ids.ts";
import { createStore } from "../store.ts";
import { createClaims } from "./claims.ts";
import { type Cluster, createCluster } from "./cluster.ts";
import { createCodes } from "./codes.ts";
import { type Parts, runCalls, workerCalls } from "./calls.ts";
import { byShard } from "./commits.ts";
import { deliverAll } from "./deliver.ts";
import { createDirectory } from "./directory.ts";
import { createQueries } from "./queries.ts";
import { createCourier } from "./courier.ts";
import { createServerLanes } from "./server-lanes.ts";
import { createShard, QUICK_MS, type Shard } from "./shard.ts";
import { anySlot, inOrderOfPreference } from "./topology.ts";

export function createShardedWorld(
  servers: NonNullable<PostgresWorldOptions["shards"]>,
  options: PostgresWorldOptions,
  internal: InternalOptions,
): World {
  const names = namesOf(servers);
  const codes = createCodes();
  const shards = names.map((name) => openShard(name));
  const cluster = createCluster(shards, options.migrate ?? true);

  function openShard(name: string): Shard {
    const locality: Locality = {
      isLocal: (runId) => !isRunId(runId) || cluster.localityOf(name).isLocal(runId),
      isHome: (kind, text) => cluster.localityOf(name).isHome(kind, text),
      noteOutbox: () => courier.wake(shard),
    };
    const store = createStore(options, internal, { from: servers[name]!, locality });
    const shard = createShard(name, store, internal.quickMs ?? QUICK_MS, {
      async comesUp() {
        await cluster.copyTo(shard);
        await codes.catchUp(shard);
      },
      isUp: () => courier.wakeAll(),
    });
    return shard;
  }

  let closed = false;
  const directory = createDirectory(cluster);
  const courier = createCourier(cluster, async (message) => void (await deliverAll(cluster, directory, [message], "quickly")));
  const assertOpen = (): void => {
    if (closed) throw new WorldError("WORLD_CLOSED", "The World on PostgreSQL is closed.", { hint: "Create another one." });
    cluster.topology();
  };
  const lanes = createServerLanes(cluster, options.commitLanes);
  const parts: Parts = { cluster, directory, courier, assertOpen, claims: createClaims(cluster, lanes), lanes };
  const byPreference = inOrderOfPreference(names, newRunId(0)).map((name) => shards.find((shard) => shard.name === name)!);

  return {
    name: "postgres",
    supports: { processes: true, durable: true },
    async setup() {
      if (closed) throw new WorldError("WORLD_CLOSED", "The World on PostgreSQL is closed.", { hint: "Create another one." });
      await Promise.all(shards.map((shard) => shard.open()));
      const first = shards.find(({ isUp }) => isUp) ?? shards[0]!;
      if (!first.isUp) await first.store.setup(); // says why
      await cluster.setup();
      courier.start();
    },
    async close() {
      if (closed) return;
      closed = true;
      await courier.close();
      await Promise.all(shards.map((shard) => shard.close()));
    },
    async now() {
      assertOpen();
      return (byPreference.find(({ isUp }) => isUp) ?? byPreference[0]!).call((world) => world.now());
    },
    watch: (listener) => {
      const ends = shards.map(({ store }) => store.notifier.hints.watch(listener));
      return () => {
        for (const end of ends) end();
      };
    },
    newRunId(place) {
      if (place === undefined) return idIn(cluster, roomIn(cluster));
      return "near" in place ? newRunId(slotOf(place.near)) : idIn(cluster, cluster.homeOf("key", place.key).name);
    },
    laneOf: (runId) => lanes.of(runId),
    ...runCalls(parts),
    ...workerCalls(parts),
    streams: streams(parts),
    code: codes.on(shards, assertOpen),
    query: guarded(createQueries(cluster, directory), assertOpen),
  };
}

function namesOf(servers: NonNullable<PostgresWorldOptions["shards"]>): readonly string[] {
  const names = Object.keys(servers);
  if (names.length === 0 || names.some((name) => !/^[a-z0-9][a-z0-9_-]{0,30}$/.test(name))) {
    throw new WorldError("WORLD_INVALID_ARGUMENT", `"${names.join('", "')}" cannot be the names of servers.`, {
      hint: "Name at least one; 1 to 31 lower-case letters, digits, hyphens and underscores each.",
    });
  }
  return names;
}

function idIn(cluster: Cluster, shard: string): string {
  return newRunId(anySlot(cluster.topology(), shard));
}

/** Any server that is open and answers; if none does, any that is open, whose coming back a new run waits for. */
function roomIn(cluster: Cluster): string {
  const { shards } = cluster.topology();
  const open = cluster.shards.filter(({ name }) => shards[name]?.state === "open");
  const up = open.filter(({ isUp }) => isUp);
  const choice = up.length > 0 ? up : open;
  const shard = choice[Math.floor(Math.random() * choice.length)];
  if (shard !== undefined) return shard.name;
  throw new WorldError("WORLD_UNAVAILABLE", "All servers of the World that this process was told of are closed for new runs.", {
    hint: "Open one, or add one.",
  });
}

function streams({ cluster, assertOpen }: Parts): World["streams"] {
  const shardOf = ({ runId }: Pick<StreamAppend, "runId">): Shard => (isRunId(runId) ? cluster.shardOf(runId) : cluster.shards[0]!);
  const know = async (ids: readonly string[]): Promise<void> => cluster.know(ids.filter((id) => isRunId(id)));
  return {
    async append(appends) {
      assertAppends(appends);
      assertOpen();
      await know(appends.map(({ runId }) => runId));
      return byShard(appends, shardOf, null, (shard, own) => shard.call((world) => world.streams.append(own)));
    },
    async read(ref, from, limit) {
      assertOpen();
      await know([ref.runId]);
      return shardOf(ref).call((world) => world.streams.read(ref, from, limit));
    },
  };
}

function guarded(query: World["query"], assertOpen: () => void): World["query"] {
  return {
    run: async (by) => (assertOpen(), query.run(by)),
    runsById: async (ids) => (assertOpen(), query.runsById(ids)),
    runs: async (request) => (assertOpen(), query.runs(request)),
    versions: async (workflowId) => (assertOpen(), query.versions(workflowId)),
    state: async (runId, key) => (assertOpen(), query.state(runId, key)),
    hook: async (token) => (assertOpen(), query.hook(token)),
  };
}
