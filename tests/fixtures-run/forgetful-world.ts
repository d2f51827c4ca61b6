import type { World } from "@perdure/world";

/**
 * A World whose worker loses its memory of a run at every commit: it commits, and says that the history was another one. So each turn of
 * a run begins with a replay of all turns before it.
 */
export function forgetfulWorld(world: World): World {
  return {
    ...world,
    async commit(commits) {
      const results = await world.commit(commits);
      return results.map((result, index) => {
        const isEnd = commits[index]?.patch?.status !== undefined;
        return result.status === "committed" && !isEnd ? { status: "behind" } : result;
      });
    },
  };
}
