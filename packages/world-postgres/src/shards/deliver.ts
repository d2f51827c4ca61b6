/** Messages from outside, and those of outboxes: to whoever has the token or the key by now. */

import type { Delivery, Message } from "@perdure/world";
import { isRunId } from "@perdure/world";
import type { Cluster } from "./cluster.ts";
import { byShard } from "./commits.ts";
import type { Directory } from "./directory.ts";
import type { Shard } from "./shard.ts";

/** How often a token or a key that has just changed hands is looked up again. */
const TRIES = 5;

type How = "call" | "quickly";

/**
 * Delivers messages; results in their order. `how`: as one that its caller waits for, with the patience of a World, or only while servers answer at once.
 */
export async function deliverAll(
  cluster: Cluster,
  directory: Directory,
  messages: readonly Message[],
  how: How = "call",
): Promise<Delivery[]> {
  let deliveries = await deliverOnce(cluster, directory, messages, how);
  for (let tries = 1; tries < TRIES; tries++) {
    const lost = deliveries.flatMap((delivery, index) => (delivery === "moved" ? [index] : []));
    if (lost.length === 0) break;
    const again = await deliverOnce(
      cluster,
      directory,
      lost.map((index) => messages[index]!),
      how,
    );
    deliveries = deliveries.map((delivery) => (delivery === "moved" ? again.shift()! : delivery));
  }
  return deliveries.map((delivery) => (delivery === "moved" ? { status: "not_found" } : delivery));
}

/** `moved`: the run that the directory named does not have the token or key any more, or not yet. */
async function deliverOnce(
  cluster: Cluster,
  directory: Directory,
  messages: readonly Message[],
  how: How,
): Promise<(Delivery | "moved")[]> {
  const shards = await Promise.all(messages.map(({ to }) => receiverOf(cluster, directory, to)));
  const places = messages.map((_, index) => index);
  const found = places.filter((index) => shards[index] !== null);
  const deliveries = await byShard(
    found,
    (index) => shards[index]!,
    null,
    (shard, own) => shard[how]((world) => world.deliver(own.map((index) => messages[index]!))),
  );
  const results: (Delivery | "moved")[] = messages.map(() => ({ status: "not_found" }));
  for (const [place, index] of found.entries()) {
    const delivery = deliveries[place]!;
    results[index] = delivery.status === "not_found" && !("runId" in messages[index]!.to) ? "moved" : delivery;
  }
  return results;
}

/** Null: nobody has the token or the key. */
async function receiverOf(cluster: Cluster, directory: Directory, to: Message["to"]): Promise<Shard | null> {
  let runId: string | null;
  if ("runId" in to) runId = isRunId(to.runId) ? to.runId : null;
  else runId = "key" in to ? await directory.holderOfKey(to.key) : await directory.holderOfToken(to.token);
  if (runId === null) return null;
  await cluster.know([runId]);
  return cluster.shardOf(runId);
}
