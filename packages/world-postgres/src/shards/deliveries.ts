/** What happens where something from another server's outbox arrives. Each of these is the same when it happens again. */

import type { Message } from "@perdure/world";
import type { Transaction } from "../database/database.ts";
import { addAwait, receiveAnswer } from "../operations/awaits.ts";
import { changeAtHome, lostKey } from "../operations/keys.ts";
import type { Outgoing } from "../operations/outbox.ts";
import type { Cluster } from "./cluster.ts";
import type { Shard } from "./shard.ts";

const FREE = "DELETE FROM @hooks WHERE token = $1 AND run_id = $2 AND operation = $3 AND reservation IS NOT NULL";
const PASS = "UPDATE @hooks SET operation = $4 WHERE token = $1 AND run_id = $2 AND operation = $3 AND reservation IS NOT NULL";

/** Takes a message to its receiver, wherever that is. */
export type Post = (message: Message) => Promise<void>;

/** The server that something goes to; messages find their way. */
export function destinationOf(cluster: Cluster, { kind, data }: Exclude<Outgoing, { kind: "message" }>): Shard {
  switch (kind) {
    case "await":
    case "answer":
    case "replaced":
      return cluster.shardOf(data.run);
    case "take":
    case "move":
      return cluster.homeOf("key", data.key);
    case "free":
      return cluster.homeOf("token", data.token);
  }
}

export async function deliverTo(shard: Shard, one: Exclude<Outgoing, { kind: "message" }>): Promise<void> {
  const { kind, data, payload } = one;
  let ended: string | null = null;
  await shard.database().transaction(async (transaction) => {
    switch (kind) {
      case "await":
        return void (await addAwait(transaction, data.by, data.operation, data.run));
      case "answer":
        return receiveAnswer(transaction, data.run, data.operation, payload);
      case "take":
      case "move":
        ended = await changeAtHome(transaction, one);
        return;
      case "replaced":
        ended = data.run;
        return lostKey(transaction, one);
      case "free":
        return free(transaction, data);
    }
  }, "repeatable");
  const { hints } = shard.store.notifier;
  if (ended !== null) hints.ended(ended);
  if (kind !== "free" && kind !== "move") hints.due();
}

async function free(transaction: Transaction, { token, run, operation, to }: Extract<Outgoing, { kind: "free" }>["data"]): Promise<void> {
  if (to === undefined) await transaction.run(FREE, [token, run, operation]);
  else await transaction.run(PASS, [token, run, operation, to]);
}
