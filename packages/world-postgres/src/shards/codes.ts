/** Bundles of code: on every server, because a run may start on any. A server that is down when one is stored gets it when it comes back. */

import { assertCode, type World } from "@perdure/world";
import { isUnavailable, type Shard } from "./shard.ts";

export interface Codes {
  on(shards: readonly Shard[], assertOpen: () => void): World["code"];
  /** Gives a server what it missed, before it counts as up. */
  catchUp(shard: Shard): Promise<void>;
}

export function createCodes(): Codes {
  const missed = new Map<Shard, Map<string, Uint8Array>>();

  function miss(shard: Shard, hash: string, bytes: Uint8Array): void {
    let bundles = missed.get(shard);
    if (bundles === undefined) missed.set(shard, (bundles = new Map()));
    bundles.set(hash, bytes);
  }

  /** Resolves with whether the server has it. */
  async function put(shard: Shard, hash: string, bytes: Uint8Array): Promise<boolean> {
    miss(shard, hash, bytes); // also for a server that comes up in this moment
    try {
      await shard.quickly((world) => world.code.put(hash, bytes));
    } catch (error) {
      if (isUnavailable(error)) return false;
      throw error;
    }
    missed.get(shard)?.delete(hash);
    return true;
  }

  return {
    on: (shards, assertOpen) => ({
      async put(hash, bytes) {
        assertCode(hash, bytes);
        assertOpen();
        const copy = bytes.slice();
        const stored = await Promise.all(shards.map((shard) => put(shard, hash, copy)));
        if (!stored.includes(true)) await shards[0]!.call((world) => world.code.put(hash, copy));
      },
      async get(hash) {
        assertOpen();
        return firstOf(shards, (world) => world.code.get(hash));
      },
      async storedAt(hash) {
        assertOpen();
        return firstOf(shards, (world) => world.code.storedAt(hash));
      },
    }),
    async catchUp(shard) {
      for (const [hash, bytes] of missed.get(shard) ?? []) await shard.world.code.put(hash, bytes);
      missed.delete(shard);
    },
  };
}

/** The answer of the first server that has one; those that are up are asked before the others. */
async function firstOf<T>(shards: readonly Shard[], ask: (world: World) => Promise<T | null>): Promise<T | null> {
  let failure: unknown = null;
  for (const shard of shards.toSorted((a, b) => Number(b.isUp) - Number(a.isUp))) {
    try {
      const answer = await (shard.isUp ? shard.call(ask) : shard.quickly(ask));
      if (answer !== null) return answer;
    } catch (error) {
      if (!isUnavailable(error)) throw error;
      failure ??= error;
    }
  }
  if (failure !== null) throw failure;
  return null;
}
