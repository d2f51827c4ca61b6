/** Calls about single runs and workers: to the server that has them, or to all. */

import type { Commit, Release, World } from "@perdure/world";
import {
  assertAmendment,
  assertBatch,
  assertMessages,
  assertNewRuns,
  assertRunEnd,
  assertWorker,
  isRunId,
  WorldError,
} from "@perdure/world";
import type { Claims } from "./claims.ts";
import type { Cluster } from "./cluster.ts";
import { byShard, commitOn, createOn, runsIn } from "./commits.ts";
import { deliverAll } from "./deliver.ts";
import type { Directory } from "./directory.ts";
import type { Courier } from "./courier.ts";
import type { ServerLanes } from "./server-lanes.ts";
import { isUnavailable, type Shard } from "./shard.ts";

/** How long a call from outside waits until what it meant to other servers has arrived there. */
const SETTLE_MS = 250;

/** What a sharded World is made of. */
export interface Parts {
  readonly cluster: Cluster;
  readonly directory: Directory;
  readonly courier: Courier;
  readonly claims: Claims;
  readonly lanes: ServerLanes;
  /** @throws WORLD_CLOSED, WORLD_UNAVAILABLE before `setup` */
  assertOpen(): void;
}

type RunCalls = Pick<World, "createRuns" | "load" | "commit" | "deliver" | "end" | "amend">;

/** What is asked about runs. */
export function runCalls({ cluster, directory, courier, claims, assertOpen }: Parts): RunCalls {
  const at = async (runId: string): Promise<Shard> => {
    if (!isRunId(runId)) return cluster.shards[0]!;
    await cluster.know([runId]);
    return cluster.shardOf(runId);
  };
  const settled = async (): Promise<void> => courier.settled(SETTLE_MS);
  return {
    async createRuns(runs, request) {
      assertNewRuns(runs);
      const owner = request?.owner;
      if (owner !== undefined) assertWorker(owner);
      assertOpen();
      await cluster.know(runs.map(({ id }) => id));
      const between = runs.some(({ key }) => key !== null) ? settled : null;
      const results = await byShard(
        runs,
        ({ id }) => cluster.shardOf(id),
        between,
        async (shard, own) => {
          try {
            return await createOn(cluster, directory, shard, own, { owner });
          } catch (error) {
            if (owner !== undefined) claims.lostAnswer(shard, owner);
            throw error;
          }
        },
      );
      await settled();
      return results;
    },
    async commit(commits) {
      assertBatch(commits);
      assertOpen();
      await cluster.know(commits.flatMap(runsIn).filter((id) => isRunId(id)));
      const shardOf = ({ runId }: Commit): Shard => (isRunId(runId) ? cluster.shardOf(runId) : cluster.shards[0]!);
      const between = commits.some(({ hooks, runs }) => hooks !== undefined || runs !== undefined) ? async () => {} : null;
      return byShard(commits, shardOf, between, (shard, own) => commitOn(cluster, directory, shard, own));
    },
    async deliver(messages) {
      assertMessages(messages);
      assertOpen();
      const results = await deliverAll(cluster, directory, messages);
      await settled();
      return results;
    },
    async end(runId, how) {
      assertRunEnd(how);
      assertOpen();
      const outcome = await (await at(runId)).call((world) => world.end(runId, how));
      await settled();
      return outcome;
    },
    async amend(runId, amendment) {
      assertAmendment(runId, amendment);
      assertOpen();
      const shard = await at(runId);
      const copy = amendment.rewind?.copy.id;
      if (copy !== undefined) {
        await cluster.know([copy]);
        if (cluster.shardOf(copy) !== shard) throw copyElsewhere(copy, runId);
      }
      const outcome = await shard.call((world) => world.amend(runId, amendment));
      await settled();
      return outcome;
    },
    async load(runId, options) {
      assertOpen();
      return (await at(runId)).call((world) => world.load(runId, options));
    },
  };
}

function copyElsewhere(copy: string, runId: string): WorldError {
  return new WorldError("WORLD_INVALID_ARGUMENT", `The copy ${copy} would live on another server than run ${runId}.`, {
    hint: "Let the World make its id: newRunId({ near: run }).",
  });
}

type WorkerCalls = Pick<World, "claim" | "heartbeat" | "retire" | "release">;

/** What workers ask. */
export function workerCalls({ cluster, claims, lanes, assertOpen }: Parts): WorkerCalls {
  return {
    async claim(request) {
      assertWorker(request.worker, request.leaseMs);
      assertOpen();
      return claims.claim(request);
    },
    async heartbeat(worker, leaseMs) {
      assertWorker(worker, leaseMs);
      assertOpen();
      return lanes.renewalBy(await onAll(cluster.shards, async (world) => void (await world.heartbeat(worker, leaseMs))));
    },
    async retire(worker) {
      assertWorker(worker);
      assertOpen();
      await onAll(cluster.shards, (world) => world.retire(worker));
    },
    async release(worker, leases) {
      assertWorker(worker);
      assertOpen();
      await cluster.know(leases.map(({ runId }) => runId).filter((id) => isRunId(id)));
      const shardOf = ({ runId }: Release): Shard => (isRunId(runId) ? cluster.shardOf(runId) : cluster.shards[0]!);
      // What a server that is down has not taken back it takes for a dead worker's, or is told with the next claim.
      await byShard(leases, shardOf, null, async (shard, own) => {
        await shard
          .quickly((world) => world.release(worker, own))
          .catch((error: unknown) => {
            if (!isUnavailable(error)) throw error;
            claims.lostAnswer(shard, worker);
          });
        return own;
      });
    },
  };
}

/** Asks all servers, and is content when one answers: on the others the lease ends, and so it should. @returns those that have answered */
async function onAll(shards: readonly Shard[], work: (world: World) => Promise<void>): Promise<readonly Shard[]> {
  const results = await Promise.allSettled(shards.map((shard) => shard.quickly(work)));
  for (const result of results) if (result.status === "rejected" && !isUnavailable(result.reason)) throw result.reason;
  const [first] = results;
  if (first?.status === "rejected" && results.every(({ status }) => status === "rejected")) throw first.reason;
  return shards.filter((_, index) => results[index]?.status === "fulfilled");
}
