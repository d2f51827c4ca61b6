/**
 * Names whose home is another server than their run's: found, reserved before the run's own commit, and taken back from runs that never came to use them.
 */

import type { Commit, NewRun } from "@perdure/world";
import { isName, slotOfToken } from "@perdure/world";
import type { Away, Holder, TokenState } from "../operations/away.ts";
import { keeperAsTold } from "../operations/keys.ts";
import type { Cluster } from "./cluster.ts";
import { createReservations } from "./reservations.ts";
import type { Shard } from "./shard.ts";

export interface Directory {
  /** The run that has a key, or null. */
  holderOfKey(key: string): Promise<string | null>;
  /** The run whose hook has a token, or null. */
  holderOfToken(token: string): Promise<string | null>;
  /** Asks and reserves what a commit of a run on this server needs elsewhere. `isAgain`: what was asked before was out of date. @throws WORLD_UNAVAILABLE */
  beforeCommit(shard: Shard, commit: Commit, isAgain: boolean): Promise<Away | undefined>;
  /** The same for a new run. */
  beforeCreation(shard: Shard, run: NewRun, isAgain: boolean): Promise<Away | undefined>;
  /** Gives reservations back that a commit did not use. */
  giveBack(away: Away, commit: Commit): Promise<void>;
}

export function createDirectory(cluster: Cluster): Directory {
  const reservations = createReservations(cluster);

  /** Looks at this server before the home where that has turned out to matter: a run here may only seem to have the key. */
  async function reserveKey(shard: Shard, home: Shard, key: string, run: string, isAgain: boolean): Promise<Holder> {
    const outdated = isAgain ? await keeperAsTold(shard.statements, key) : null;
    const holder = await reservations.key(home.statements, key, run);
    return outdated === null ? holder : { ...holder, outdated };
  }

  async function keysFor(shard: Shard, commit: Pick<Commit, "runs" | "awaits">, isAgain: boolean): Promise<Map<string, Holder | null>> {
    const keys = new Map<string, Holder | null>();
    for (const { id, key, ifKeyExists } of commit.runs ?? []) {
      if (key === null || ifKeyExists === "replace") continue;
      const home = cluster.homeOf("key", key);
      if (home === shard) keys.set(key, await reservations.clear(home.statements, "key", key));
      else if (!keys.has(key)) keys.set(key, await reserveKey(shard, home, key, id, isAgain));
    }
    for (const { run } of commit.awaits ?? []) {
      if (!("key" in run) || keys.has(run.key)) continue;
      const { key } = run;
      const home = cluster.homeOf("key", key);
      if (home === shard) continue;
      const runId = await reservations.holder(home.statements, "key", key);
      keys.set(key, runId === null ? null : { runId, reservation: null });
    }
    return keys;
  }

  async function tokensFor(shard: Shard, commit: Commit): Promise<Map<string, TokenState>> {
    const tokens = new Map<string, TokenState>();
    for (const hook of commit.hooks ?? []) {
      const home = cluster.homeOf("token", hook.token);
      if (home !== shard) tokens.set(hook.operation, await reservations.token(home.statements, commit, hook));
      else if (slotOfToken(hook.token) === null) await reservations.clear(home.statements, "token", hook.token);
    }
    return tokens;
  }

  return {
    async holderOfKey(key) {
      if (!isName(key)) return null;
      const home = cluster.homeOf("key", key);
      return reservations.holder(home.statements, "key", key);
    },
    async holderOfToken(token) {
      if (!isName(token)) return null;
      const home = cluster.homeOf("token", token);
      return reservations.holder(home.statements, "token", token);
    },
    async beforeCommit(shard, commit, isAgain) {
      const { hooks = [], runs = [], awaits = [] } = commit;
      if (hooks.length + runs.length + awaits.length === 0) return undefined;
      const [keys, tokens] = [await keysFor(shard, commit, isAgain), await tokensFor(shard, commit)];
      return { isCommit: true, keys, tokens };
    },
    async beforeCreation(shard, run, isAgain) {
      if (run.key === null) return undefined;
      const keys = await keysFor(shard, { runs: [run] }, isAgain);
      return { isCommit: false, keys, tokens: new Map() };
    },
    async giveBack({ keys, tokens }, { runId, hooks = [], runs = [] }) {
      for (const { key, id } of runs) {
        const holder = key === null ? undefined : keys.get(key);
        if (key !== null && holder?.runId === id) await reservations.drop("key", key, holder);
      }
      for (const { token, operation } of hooks) {
        const state = tokens.get(operation);
        if (state?.is === "reserved") await reservations.drop("token", token, { runId, reservation: state.reservation });
      }
    },
  };
}
