import type { World } from "@perdure/world";
import { WorldError } from "@perdure/world";

/**
 * The conformance suite calls each function once and expects its answer. Where an answer may be lost for good, this stands in for a careful
 * caller: a claim is made again, and says what its worker holds. Some calls have no answer that a retry could give for sure (`streams.append` without a
 * writer; `end`, which then says `already`; `deliver`, where others deliver the same): `exposed` counts those that are under way,
 * while which no commit's answer should be lost. The Worlds that one result of this is given are of one store.
 */
export function patience(exposed: { count: number }): (world: World) => World {
  /** The runs that each worker was told it has, by whichever World. */
  const held = new Map<string, Set<string>>();
  const hold = (worker: string, ids: readonly string[]): void => {
    for (const runs of held.values()) for (const id of ids) runs.delete(id);
    const own = held.get(worker) ?? new Set();
    held.set(worker, own);
    for (const id of ids) own.add(id);
  };
  const whole = async <T>(call: () => Promise<T>): Promise<T> => {
    exposed.count++;
    try {
      return await call();
    } finally {
      exposed.count--;
    }
  };
  return (world) => ({
    ...world,
    async createRuns(runs, options) {
      const results = await world.createRuns(runs, options);
      if (options?.owner !== undefined)
        hold(
          options.owner,
          results.filter(({ created }) => created).map(({ run }) => run.id),
        );
      return results;
    },
    async claim(request) {
      for (let again = false; ; again = true) {
        try {
          const claimed = await world.claim(again ? { ...request, holding: [...(held.get(request.worker) ?? [])] } : request);
          hold(
            request.worker,
            claimed.runs.map(({ run }) => run.id),
          );
          return claimed;
        } catch (error) {
          if (!WorldError.is(error) || error.code !== "WORLD_UNAVAILABLE") throw error;
        }
      }
    },
    deliver: async (messages) => whole(async () => world.deliver(messages)),
    end: async (runId, how) => whole(async () => world.end(runId, how)),
    streams: { ...world.streams, append: async (appends) => whole(async () => world.streams.append(appends)) },
  });
}
