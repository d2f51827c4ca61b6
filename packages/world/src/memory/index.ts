/**
 * A World in memory: complete, and gone with its process. For tests, examples and throw-away runs.
 */

import type { World } from "../index.ts";
import { assertCode, createHints, WorldError } from "../index.ts";
import { amend } from "./amend.ts";
import { createBegun } from "./beginnings.ts";
import { claim, heartbeat, retire } from "./claim.ts";
import { commit } from "./commit.ts";
import { endRun } from "./end.ts";
import { deliver, load } from "./messages.ts";
import { queryHook, queryRun, queryRuns, queryRunsById, queryState, queryVersions } from "./query.ts";
import { release } from "./runs.ts";
import { copy, createStore } from "./store.ts";
import { appendStreams, readStream } from "./streams.ts";

export interface MemoryWorldOptions {
  /** The World's clock, ms since the epoch; default `Date.now`. Tests that set it decide when leases end and waits are due. */
  readonly now?: () => number;
}

/**
 * Creates an empty World that lives in this object. Every call takes effect at once, before its promise resolves, and calls take
 * effect in the order in which they were made.
 */
export function createMemoryWorld(options: MemoryWorldOptions = {}): World {
  const hints = createHints();
  const store = createStore(options.now ?? Date.now, hints);
  let closed = false;

  async function call<T>(work: () => T): Promise<T> {
    if (closed) throw new WorldError("WORLD_CLOSED", "This memory World is closed.", { hint: "Create another one." });
    return work();
  }

  return {
    name: "memory",
    supports: { processes: false, durable: false },
    setup: () => call(() => {}),
    close: async () => {
      closed = true;
    },
    now: () => call(() => store.now()),
    createRuns: (runs, request) => call(() => createBegun(store, runs, request?.owner ?? null)),
    claim: (request) => call(() => claim(store, request)),
    heartbeat: (worker, leaseMs) => call(() => heartbeat(store, worker, leaseMs)),
    retire: (worker) => call(() => retire(store, worker)),
    release: (worker, leases) => call(() => release(store, worker, leases)),
    load: (runId, page) => call(() => load(store, runId, page?.after ?? 0, page?.limit)),
    commit: (commits) => call(() => commit(store, commits)),
    deliver: (messages) => call(() => deliver(store, messages)),
    end: (runId, end) => call(() => endRun(store, runId, end)),
    amend: (runId, amendment) => call(() => amend(store, runId, amendment)),
    streams: {
      append: (appends) => call(() => appendStreams(store, appends)),
      read: (ref, from, limit) => call(() => readStream(store, ref, from, limit)),
    },
    code: {
      put: (hash, bytes) =>
        call(() => {
          assertCode(hash, bytes);
          if (!store.code.has(hash)) store.code.set(hash, { bytes: copy(bytes), storedAt: store.now() });
        }),
      get: (hash) =>
        call(() => {
          const stored = store.code.get(hash);
          return stored === undefined ? null : copy(stored.bytes);
        }),
      storedAt: (hash) => call(() => store.code.get(hash)?.storedAt ?? null),
    },
    query: {
      run: (by) => call(() => queryRun(store, by)),
      runsById: (ids) => call(() => queryRunsById(store, ids)),
      runs: (request) => call(() => queryRuns(store, request ?? {})),
      versions: (workflowId) => call(() => queryVersions(store, workflowId)),
      hook: (token) => call(() => queryHook(store, token)),
      state: (runId, key) => call(() => queryState(store, runId, key)),
    },
    watch: (listener) => hints.watch(listener),
  };
}
