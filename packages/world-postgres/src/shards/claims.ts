/**
 * Giving runs to workers from several servers: from each a part at once, then more from those that may have more. The order in which servers are asked turns, so that
 * none is always last.
 *
 * A claim whose answer is not awaited any more, or was lost, may have given runs to the worker: that server is asked again only together with what the worker holds,
 * which it says when it was told that the answer is partial.
 */

import type { Claimed, ClaimRequest } from "@perdure/world";
import { WorldError } from "@perdure/world";
import type { Cluster } from "./cluster.ts";
import type { ServerLanes } from "./server-lanes.ts";
import { isUnavailable, type Shard } from "./shard.ts";

export interface Claims {
  claim(request: ClaimRequest): Promise<Claimed>;
  /** Runs may belong to the worker without its knowing. */
  lostAnswer(shard: Shard, worker: string): void;
}

export function createClaims(cluster: Cluster, lanes: ServerLanes): Claims {
  const { shards } = cluster;
  /** Servers that each worker must tell what it holds. */
  const unsure = new Map<string, Set<Shard>>();
  /** Calls under way that nobody awaits any more. */
  const hanging = new Map<Shard, number>();
  let turn = 0;

  function unsureOf(worker: string): Set<Shard> {
    let own = unsure.get(worker);
    if (own === undefined) unsure.set(worker, (own = new Set()));
    return own;
  }

  async function claimFrom(shard: Shard, request: ClaimRequest): Promise<Claimed | null> {
    let isOver = false;
    let isAwaited = true;
    try {
      const claimed = await shard.quickly(async (world) => {
        try {
          return await world.claim(request);
        } finally {
          isOver = true;
          if (!isAwaited) hanging.set(shard, hanging.get(shard)! - 1);
        }
      });
      if (request.holding !== undefined) unsureOf(request.worker).delete(shard);
      return claimed;
    } catch (error) {
      isAwaited = false;
      if (!isOver) hanging.set(shard, (hanging.get(shard) ?? 0) + 1);
      unsureOf(request.worker).add(shard);
      if (isUnavailable(error)) return null;
      throw error;
    }
  }

  /** Servers in another order each time. */
  function inTurn(asked: readonly Shard[]): readonly Shard[] {
    const start = asked.length === 0 ? 0 : turn++ % asked.length;
    return [...asked.slice(start), ...asked.slice(0, start)];
  }

  return {
    lostAnswer: (shard, worker) => void unsureOf(worker).add(shard),
    async claim(request) {
      const { holding, ...plain } = request;
      const up = shards.filter((shard) => shard.isUp && (hanging.get(shard) ?? 0) === 0);
      const asked = up.filter((shard) => holding !== undefined || !unsureOf(request.worker).has(shard));
      const { answers, answered } = await claimFromAll(inTurn(asked), request, plain, claimFrom);
      if (answers.length === 0 && asked.length === up.length) throw nobody();
      const claimed = merge(answers, asked.length < up.length);
      // Whose lanes must be known by now.
      await cluster.know(claimed.runs.map(({ run }) => run.id));
      return { ...claimed, ...lanes.renewalBy(answered) };
    },
  };
}

type ClaimFrom = (shard: Shard, request: ClaimRequest) => Promise<Claimed | null>;

interface Answers {
  readonly answers: readonly Claimed[];
  readonly answered: readonly Shard[];
}

async function claimFromAll(asked: readonly Shard[], request: ClaimRequest, plain: ClaimRequest, claimFrom: ClaimFrom): Promise<Answers> {
  const { limit } = request;
  const part = (index: number): number => Math.floor(limit / asked.length) + (index < limit % asked.length ? 1 : 0);
  const first = await Promise.all(
    asked.map(async (shard, index) => ({ shard, part: part(index), claimed: await claimFrom(shard, { ...request, limit: part(index) }) })),
  );
  const answers = first.flatMap(({ claimed }) => claimed ?? []);
  let left = limit - answers.reduce((sum, { runs }) => sum + runs.length, 0);
  for (const { shard, part, claimed } of first) {
    if (left === 0 || claimed === null || claimed.runs.length < part) continue;
    // What the first answer gave is not among what the worker holds yet.
    const more = await claimFrom(shard, { ...plain, limit: left });
    if (more === null) continue;
    left -= more.runs.length;
    answers.push({ ...more, messages: [] });
  }
  return { answers, answered: first.flatMap(({ shard, claimed }) => (claimed === null ? [] : shard)) };
}

/** The second answer of a server has all messages that its first one had, and those of runs that the first one gave: they are loaded with them. */
function merge(answers: readonly Claimed[], isPartial: boolean): Claimed {
  const due = answers.flatMap(({ nextDueAt }) => nextDueAt ?? []);
  return {
    runs: answers.flatMap(({ runs }) => runs).toSorted((a, b) => a.run.dueAt! - b.run.dueAt!),
    messages: answers.flatMap(({ messages }) => messages),
    nextDueAt: due.length === 0 ? null : Math.min(...due),
    ...(isPartial && { isPartial: true as const }),
  };
}

function nobody(): WorldError {
  return new WorldError("WORLD_UNAVAILABLE", "No server of the World answers.", { hint: "Check that they run and can be reached." });
}
