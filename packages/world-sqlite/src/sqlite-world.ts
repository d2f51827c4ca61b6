import { resolve } from "node:path";
import type { Claimed, ClaimRequest, Commit, Hint, Hints, Unwatch, World } from "@perdure/world";
import {
  assertAmendment,
  assertAppends,
  assertBatch,
  assertCode,
  assertCount,
  assertMessages,
  assertNewRuns,
  assertRunEnd,
  assertWorker,
  createHints,
  WorldError,
} from "@perdure/world";
import { createDatabase, type Database } from "./database.ts";
import { loadDriver } from "./driver/load.ts";
import { joinHints } from "./hints-by-file.ts";
import { openStore } from "./open.ts";
import { amend } from "./operations/amend.ts";
import { createBegun } from "./operations/beginnings.ts";
import { claim, claimNothing } from "./operations/claim.ts";
import { codeStoredAt, getCode, hasCode, putCode } from "./operations/code.ts";
import { commit, type Committed } from "./operations/commit.ts";
import { end } from "./operations/end.ts";
import { deliver, load } from "./operations/messages.ts";
import { queryHook, queryRun, queryRuns, queryRunsById, queryVersions } from "./operations/query.ts";
import { release } from "./operations/runs.ts";
import { queryState } from "./operations/state.ts";
import { appendStreams, readStream } from "./operations/streams.ts";
import { renew, retire } from "./operations/workers.ts";

export interface SqliteWorldOptions {
  /** The file; its folder is made when it is missing. Beside it lie `-wal` and `-shm` while it is in use: never copy or move one alone. */
  readonly path: string;
  /** The World's clock, ms since the epoch; default `Date.now`. All processes on a file must agree on it. */
  readonly now?: () => number;
  /** How long a call waits for other processes' transactions before it fails with WORLD_UNAVAILABLE; default 30,000 ms. */
  readonly patienceMs?: number;
}

/**
 * Creates a World that keeps everything in one SQLite file. Nothing is opened before `setup()`.
 *
 * A promise that resolves means that the write survives a crash of the process and a loss of power (WAL, `synchronous=FULL`).
 * Any number of processes on one machine may use the file at once; a network file system is refused by SQLite or unsafe.
 * A worker whose process on this machine is gone counts as crashed at once; otherwise its lease decides.
 * Hints of `watch` reach all Worlds on the file in this process; other processes learn of a change when they poll.
 *
 * @throws WORLD_INVALID_ARGUMENT when the path is empty or `:memory:`
 */
export function createSqliteWorld(options: SqliteWorldOptions): World {
  if (options.path === "" || options.path === ":memory:") {
    throw new WorldError("WORLD_INVALID_ARGUMENT", "A SQLite World needs a file.", {
      hint: "Pass the path of a file, or use createMemoryWorld from @perdure/world/memory.",
    });
  }
  const store = createStore(resolve(options.path), options.now ?? Date.now, options.patienceMs ?? 30_000);
  return {
    name: "sqlite",
    supports: { processes: true, durable: true },
    setup: store.setup,
    close: store.close,
    now: async () => (store.database(), store.now()),
    watch: store.watch,
    ...lifecycle(store),
    ...workers(store),
    streams: streams(store),
    code: code(store),
    query: query(store),
  };
}

/** An open file, its clock and its watchers. */
interface Store {
  now(): number;
  /** @throws WORLD_CLOSED, WORLD_UNAVAILABLE before `setup` */
  database(): Database;
  /** The listeners of all Worlds on the file in this process. */
  hints(): Hints;
  watch(listener: (hint: Hint) => void): Unwatch;
  setup(): Promise<void>;
  close(): Promise<void>;
}

function createStore(path: string, now: () => number, patienceMs: number): Store {
  let state: "new" | "open" | "closed" = "new";
  let database: Database | null = null;
  let opening: Promise<void> | null = null;
  // Watchers may come before setup; they then hear of the other Worlds on the file through `shared`.
  const own = createHints();
  let shared = { hints: own, leave: (): void => {} };

  async function open(): Promise<void> {
    const driver = loadDriver();
    const connection = await openStore(driver, path, patienceMs);
    if (state === "closed") return connection.close();
    database = createDatabase(driver, connection, path, patienceMs);
    shared = joinHints(path);
    const unwatch = shared.hints.watch((hint) => (hint.kind === "due" ? own.due() : own[hint.kind](hint.runId)));
    const leave = shared.leave;
    shared.leave = () => (unwatch(), leave());
    state = "open";
  }

  function closed(): WorldError {
    return new WorldError("WORLD_CLOSED", `The World on ${path} is closed.`, { hint: "Create another one." });
  }

  return {
    now,
    database() {
      if (state === "closed") throw closed();
      if (database !== null) return database;
      throw new WorldError("WORLD_UNAVAILABLE", `The World on ${path} is not open.`, { hint: "Call setup() first." });
    },
    hints: () => shared.hints,
    watch: (listener) => own.watch(listener),
    async setup() {
      if (state === "closed") throw closed();
      if (state === "open") return;
      opening ??= open().finally(() => (opening = null));
      await opening;
    },
    async close() {
      state = "closed";
      await opening?.catch(() => {});
      shared.leave();
      shared = { hints: own, leave: () => {} };
      database?.close();
    },
  };
}

function lifecycle(store: Store): Pick<World, "createRuns" | "load" | "commit" | "deliver" | "end" | "amend" | "release"> {
  return {
    async createRuns(runs, request) {
      assertNewRuns(runs);
      const owner = request?.owner ?? null;
      if (owner !== null) assertWorker(owner);
      const results = await store.database().write((transaction) => createBegun(transaction, runs, owner, store.now()));
      for (const { replaced } of results) if (replaced !== null) store.hints().ended(replaced);
      if (results.some(({ created }) => created)) store.hints().due();
      return results;
    },
    async load(runId, { after = 0, limit } = {}) {
      assertCount("The start of a history page", after, 0);
      if (limit !== undefined) assertCount("The limit of a history page", limit, 1);
      return store.database().read((transaction) => load(transaction, runId, after, limit));
    },
    async commit(commits) {
      assertBatch(commits);
      const committed = await commit(store.database(), commits, store.now);
      announce(store.hints(), commits, committed);
      return committed.results;
    },
    async deliver(messages) {
      assertMessages(messages);
      const results = await store.database().write((transaction) => deliver(transaction, messages, store.now()));
      if (results.some(({ status }) => status === "delivered")) store.hints().due();
      return results;
    },
    async end(runId, how) {
      assertRunEnd(how);
      const outcome = await store.database().write((transaction) => end(transaction, runId, how, store.now()));
      if (outcome !== "ended") return outcome;
      store.hints().ended(runId);
      store.hints().due(); // for those who awaited it
      return outcome;
    },
    async amend(runId, amendment) {
      assertAmendment(runId, amendment);
      const outcome = await store.database().write((transaction) => amend(transaction, runId, amendment, store.now()));
      if (outcome !== "amended") return outcome;
      store.hints().ended(runId);
      store.hints().due();
      return outcome;
    },
    async release(worker, leases) {
      assertWorker(worker);
      if (leases.length === 0) return;
      await store.database().write((transaction) => release(transaction, worker, leases, store.now()));
      store.hints().due();
    },
  };
}

/** The hints of a batch; those of a retry are repeated. */
function announce(hints: Hints, commits: readonly Commit[], { results, wakes, replaced }: Committed): void {
  if (wakes) hints.due();
  for (const runId of replaced) hints.ended(runId);
  for (const [index, { runId, patch, state, chunks, messages }] of commits.entries()) {
    if (results[index]!.status !== "committed") continue;
    if (state !== undefined && state.length > 0) hints.state(runId);
    if (chunks !== undefined && chunks.length > 0) hints.stream(runId);
    if (patch?.status !== undefined && patch.status !== "running") hints.ended(runId);
    if (messages !== undefined && messages.length > 0) hints.due();
  }
}

function workers(store: Store): Pick<World, "claim" | "heartbeat" | "retire"> {
  async function claimRuns(request: ClaimRequest): Promise<Claimed> {
    assertWorker(request.worker, request.leaseMs);
    assertCount("The limit of a claim", request.limit, 0);
    const database = store.database();
    const nothing = await database.read((transaction) => claimNothing(transaction, request, store.now()));
    return nothing ?? database.write((transaction) => claim(transaction, request, store.now()));
  }

  return {
    claim: claimRuns,
    async heartbeat(worker, leaseMs) {
      assertWorker(worker, leaseMs);
      await store.database().write((transaction) => renew(transaction, worker, leaseMs, store.now()));
    },
    async retire(worker) {
      assertWorker(worker);
      await store.database().write((transaction) => retire(transaction, worker));
      store.hints().due();
    },
  };
}

function streams(store: Store): World["streams"] {
  return {
    async append(appends) {
      assertAppends(appends);
      if (appends.length === 0) return [];
      const results = await store.database().write((transaction) => appendStreams(transaction, appends));
      // Also for a retry that added nothing: its first try may not have been told of.
      for (const [index, { runId }] of appends.entries()) if (results[index]!.status === "appended") store.hints().stream(runId);
      return results;
    },
    async read(ref, from, limit) {
      assertCount("The start of a stream page", from, 0);
      if (limit !== undefined) assertCount("The limit of a stream page", limit, 1);
      return store.database().read((transaction) => readStream(transaction, ref, from, limit));
    },
  };
}

function code(store: Store): World["code"] {
  return {
    async put(hash, bytes) {
      assertCode(hash, bytes);
      const database = store.database();
      if (await database.read((transaction) => hasCode(transaction, hash))) return;
      await database.write((transaction) => putCode(transaction, hash, bytes, store.now()));
    },
    get: async (hash) => store.database().read((transaction) => getCode(transaction, hash)),
    storedAt: async (hash) => store.database().read((transaction) => codeStoredAt(transaction, hash)),
  };
}

function query(store: Store): World["query"] {
  return {
    run: async (by) => store.database().read((transaction) => queryRun(transaction, by)),
    runsById: async (ids) => store.database().read((transaction) => queryRunsById(transaction, ids)),
    runs: async (request) => store.database().read((transaction) => queryRuns(transaction, request ?? {})),
    versions: async (workflowId) => store.database().read((transaction) => queryVersions(transaction, workflowId)),
    state: async (runId, key) => store.database().read((transaction) => queryState(transaction, runId, key)),
    hook: async (token) => store.database().read((transaction) => queryHook(transaction, token)),
  };
}
