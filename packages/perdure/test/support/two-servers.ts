/** A World on two servers: runs with even slots live on "a", those with odd ones on "b", and each is a lane. */
import { slotOf, withSlot, type World } from "@perdure/world";
import { checkedWorld } from "@perdure/world/conformance";
import { createMemoryWorld } from "@perdure/world/memory";
import { v7 as uuid } from "uuid";

type Name = "a" | "b";

export interface Connection {
  readonly world: World;
  /** Servers of which nothing is claimed, and no lease renewed, from here. All else goes through. */
  readonly away: Set<Name>;
  /** Where new runs go. */
  place: Name;
  /** Calls, by any connection, that were for both servers and failed for it. A worker tries again in parts: only here it is seen. */
  readonly mixed: readonly string[];
}

/** @returns what makes a connection, as each process has one */
export function twoServers(): () => Connection {
  const servers = { a: checkedWorld(createMemoryWorld()), b: checkedWorld(createMemoryWorld()) };
  const nameOf = (runId: string): Name => (slotOf(runId) % 2 === 0 ? "a" : "b");
  const at = (runId: string): World => servers[nameOf(runId)];
  const both = [servers.a, servers.b];
  const mixed: string[] = [];
  const only = (call: string, runIds: readonly string[]): World => {
    const [name, ...others] = new Set(runIds.map(nameOf));
    if (name !== undefined && others.length === 0) return servers[name];
    mixed.push(`${call} ${runIds.join()}`);
    throw new Error("This call is for one lane.");
  };
  return () => {
    const away = new Set<Name>();
    const up = (): Name[] => (["a", "b"] as const).filter((name) => !away.has(name));
    const world: World = {
      ...servers.a,
      newRunId: (place) => withSlot(uuid(), place && "near" in place ? slotOf(place.near) : connection.place === "a" ? 0 : 1),
      laneOf: nameOf,
      setup: async () => void (await Promise.all(both.map((server) => server.setup()))),
      close: async () => void (await Promise.all(both.map((server) => server.close()))),
      watch(listener) {
        const ends = both.map((server) => server.watch(listener));
        return () => ends.forEach((end) => end());
      },
      createRuns: async (runs, options) =>
        only(
          "createRuns",
          runs.map(({ id }) => id),
        ).createRuns(runs, options),
      load: (runId, options) => at(runId).load(runId, options),
      commit: async (commits) =>
        only(
          "commit",
          commits.map(({ runId }) => runId),
        ).commit(commits),
      end: (runId, end) => at(runId).end(runId, end),
      amend: (runId, amendment) => at(runId).amend(runId, amendment),
      async release(worker, leases) {
        for (const lease of leases) await at(lease.runId).release(worker, [lease]);
      },
      async retire(worker) {
        for (const name of up()) await servers[name].retire(worker);
      },
      async heartbeat(worker, leaseMs) {
        const renewed = up();
        await Promise.all(renewed.map((name) => servers[name].heartbeat(worker, leaseMs)));
        return { renewed: new Set(renewed) };
      },
      async claim(request) {
        const renewed = up();
        const answers = await Promise.all(renewed.map((name) => servers[name].claim(request)));
        return {
          runs: answers.flatMap(({ runs }) => runs),
          messages: answers.flatMap(({ messages }) => messages),
          nextDueAt: null,
          renewed: new Set(renewed),
        };
      },
      query: {
        ...servers.a.query,
        run: (by) => ("id" in by ? at(by.id).query.run(by) : servers.a.query.run(by)),
        runsById: async (ids) => (await Promise.all(both.map((server) => server.query.runsById(ids)))).flat(),
      },
    };
    const connection: Connection = { world, away, place: "a", mixed };
    return connection;
  };
}
