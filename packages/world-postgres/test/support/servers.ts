// The servers of a World one by one, on which what there is in outboxes stays there: what happens between two of them happens when a test says so.

import { expect, onTestFinished } from "vitest";
import type { Commit, CreatedRun, NewRun } from "@perdure/world";
import type { Locality } from "../../src/database/locality.ts";
import { newRunId } from "../../src/run-ids.ts";
import { createCluster } from "../../src/shards/cluster.ts";
import { createOn } from "../../src/shards/commits.ts";
import { createDirectory } from "../../src/shards/directory.ts";
import { createShard, QUICK_MS, type Shard } from "../../src/shards/shard.ts";
import { anySlot } from "../../src/shards/topology.ts";
import { createStore } from "../../src/store.ts";
import * as runs from "./runs.ts";

export interface Created {
  readonly id: string;
  readonly replaced: string | null;
}

export interface Servers {
  keyAt(home: string): string;
  /** A run that lives on a server. */
  run(server: string): NewRun;
  /** `asked` happens when the key's home was asked, before anything is written on the run's server. */
  create(server: string, fields: Partial<NewRun>, asked?: () => Promise<unknown>): Promise<Created>;
  /** The part of a creation that happens on the run's server, by the worker `w`. */
  createHere(server: string, fields: Partial<NewRun>): Promise<Created>;
  commitHere(server: string, commit: Commit): Promise<void>;
}

/** A World's servers, on which what there is in outboxes stays there. */
export async function withoutCouriers(urls: Record<string, string>): Promise<Servers> {
  const shards = Object.entries(urls).map(([name, from]) => {
    const isHome: Locality["isHome"] = (...what) => cluster.localityOf(name).isHome(...what);
    const locality = { isLocal: (runId: string) => cluster.localityOf(name).isLocal(runId), isHome, noteOutbox: () => {} };
    const store = createStore({ notify: false }, {}, { from, locality });
    return createShard(name, store, QUICK_MS, { comesUp: async () => {}, isUp: () => {} });
  });
  const cluster = createCluster(shards, true);
  onTestFinished(async () => void (await Promise.all(shards.map((shard) => shard.close()))), 60_000);
  await Promise.all(shards.map((shard) => shard.open()));
  await cluster.setup();
  const named = (name: string): Shard => shards.find((shard) => shard.name === name)!;
  const created = ([result]: readonly CreatedRun[]): Created => ({ id: result!.run.id, replaced: result!.replaced });
  const run = (server: string, fields: Partial<NewRun> = {}): NewRun =>
    runs.newRun({ id: newRunId(anySlot(cluster.topology(), server)), ...fields });
  return {
    keyAt: (home) => Array.from({ length: 100 }, (_, index) => `key "${index}"`).find((key) => cluster.homeOf("key", key) === named(home))!,
    run,
    async create(server, fields, asked) {
      const directory = createDirectory(cluster);
      let happens = asked;
      const beforeCreation: typeof directory.beforeCreation = async (...what) => {
        const away = await directory.beforeCreation(...what);
        const now = happens;
        happens = undefined;
        await now?.();
        return away;
      };
      return created(await createOn(cluster, { ...directory, beforeCreation }, named(server), [run(server, fields)], { owner: undefined }));
    },
    createHere: async (server, fields) => created(await named(server).world.createRuns([run(server, fields)], { owner: "w" })),
    async commitHere(server, one) {
      expect((await named(server).world.commit([one]))[0]).toMatchObject({ status: "committed" });
    },
  };
}
