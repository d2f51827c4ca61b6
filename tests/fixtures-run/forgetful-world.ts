import type { World } from "@perdure/world";

/**
 * A World whose worker loses its memory of a run at every commit of rows: it commits, and says that the history was another one. So each turn of
 * a run begins with a replay of all turns before it. New runs are nobody's: one that its creator executes at once commits its first turn with the second.
 */
export function forgetfulWorld(world: World): World {
  return {
    ...world,
    createRuns: (runs) => world.createRuns(runs),
    async commit(commits) {
      const results = await world.commit(commits);
      return results.map((result, index) => {
        const { rows, patch } = commits[index]!;
        return result.status === "committed" && rows.length > 0 && patch?.status === undefined ? { status: "behind" } : result;
      });
    },
  };
}
