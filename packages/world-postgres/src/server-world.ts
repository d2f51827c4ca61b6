import type { Claimed, ClaimRequest, Commit, CreatedRun, Hints, NewRun, RunRecord, World } from "@perdure/world";
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
  WorldError,
} from "@perdure/world";
import type { Database } from "./database/database.ts";
import { sharedNow } from "./lease-thread/lease-thread.ts";
import { amend } from "./operations/amend.ts";
import { claim } from "./operations/claim.ts";
import { codeStoredAt, getCode, putCode } from "./operations/code.ts";
import { commit, type Committed } from "./operations/commit.ts";
import { end } from "./operations/end.ts";
import { createDeliveries } from "./operations/deliver.ts";
import { load } from "./operations/messages.ts";
import { queryHook, queryRun, queryRuns, queryRunsById, queryVersions } from "./operations/query.ts";
import { begunOf, createRuns, firstsOf, insertRuns, isPlain, release, type Firsts } from "./operations/runs.ts";
import { queryState } from "./operations/state.ts";
import { createRunsIn } from "./operations/runs-in.ts";
import { appendStreams, readStream } from "./operations/streams.ts";
import { workerId } from "./operations/records.ts";
import { renew, retire } from "./operations/workers.ts";
import { newRunId } from "./run-ids.ts";
import type { Store } from "./store.ts";
import { transactionsOf } from "./transaction/databases.ts";

/** The World that a store keeps, or the part of one. */
export function worldOn(store: Store): World {
  return {
    name: "postgres",
    supports: { processes: true, durable: true },
    setup: store.setup,
    close: store.close,
    now: async () => (await store.database().all("SELECT @now", []))[0]![0] as number,
    // One server is slot 0 for all, so that it can become one of several without moving anything.
    newRunId: () => newRunId(0),
    watch: (listener) => store.notifier.hints.watch(listener),
    ...lifecycle(store),
    createRunsIn: async (client, runs) => {
      assertNewRuns(runs);
      store.database();
      return createRunsIn({ client, sql: store.sql, due: store.notifier.hints.due }, runs);
    },
    ...workers(store),
    streams: streams(store),
    code: code(store),
    query: query(store),
    ...transactionsOf(store.transactions),
  };
}

function lifecycle(store: Store): Pick<World, "createRuns" | "load" | "commit" | "deliver" | "end" | "amend" | "release"> {
  const { hints } = store.notifier;
  const deliver = createDeliveries();
  return {
    async createRuns(runs, request) {
      assertNewRuns(runs);
      const owner = request?.owner ?? null;
      if (owner !== null) assertWorker(owner);
      const database = store.database();
      const results = runs.length === 0 ? [] : await create(database, runs, owner);
      for (const { replaced } of results) if (replaced !== null) hints.ended(replaced);
      if (results.some(({ created, run }) => created && run.owner === null)) hints.due();
      return results;
    },
    async load(runId, { after = 0, limit } = {}) {
      assertCount("The start of a history page", after, 0);
      if (limit !== undefined) assertCount("The limit of a history page", limit, 1);
      return load(store.database(), runId, after, limit);
    },
    async commit(commits) {
      assertBatch(commits);
      const database = store.database();
      if (commits.length === 0) return [];
      const committed = await commit(database, commits);
      announce(hints, commits, committed);
      return committed.results;
    },
    async deliver(messages) {
      assertMessages(messages);
      const database = store.database();
      if (messages.length === 0) return [];
      const results = await deliver(database, messages);
      if (results.some(({ status }) => status === "delivered")) hints.due();
      return results;
    },
    async end(runId, how) {
      assertRunEnd(how);
      let mayHaveEnded = false; // by a try whose answer was lost
      const outcome = await store.database().transaction(async (transaction, isRetry) => {
        mayHaveEnded = isRetry;
        return end(transaction, runId, how);
      }, "repeatable");
      if (outcome === "not_found" || (outcome === "already" && !mayHaveEnded)) return outcome;
      hints.ended(runId);
      hints.due(); // for those who awaited it
      return outcome;
    },
    async amend(runId, amendment) {
      assertAmendment(runId, amendment);
      const outcome = await store.database().transaction(async (transaction) => amend(transaction, runId, amendment), "repeatable");
      if (outcome !== "amended") return outcome;
      hints.ended(runId);
      hints.due();
      return outcome;
    },
    async release(worker, leases) {
      assertWorker(worker);
      const database = store.database();
      if (leases.length === 0) return;
      await release(database, worker, leases);
      hints.due();
    },
  };
}

/** Mostly one statement; one more for what exists, and a transaction where one run may need several tables. */
async function create(database: Database, runs: readonly NewRun[], owner: string | null): Promise<CreatedRun[]> {
  const created = isPlain(database, runs) ? await createPlain(database, runs, owner, firstsOf(database, runs, owner)) : null;
  if (created?.size === runs.length) return runs.map(({ id }) => created.get(id)!);
  const isUnknown = created === undefined;
  const first = new Set(created?.keys());
  const rest = runs.filter(({ id }) => !first.delete(id));
  /** What tries that may have been committed had to answer, by id. */
  const answers = new Map<string, CreatedRun>();
  const others = await database.transaction(async (transaction, isRetry) => {
    if (!isRetry) answers.clear();
    const results = await createRuns(transaction, rest, owner);
    const told = new Set(created?.keys()); // the same id once more in this call exists already
    for (const [index, run] of rest.entries()) {
      const { id } = run;
      if (told.has(id)) continue;
      told.add(id);
      const found = results[index]!;
      const result = lostAnswer(found, id, answers.get(id)) ?? (isUnknown ? asCreated(found, run, owner) : found);
      if (result.created) answers.set(id, result);
      results[index] = result;
    }
    return results;
  }, "repeatable");
  return runs.map((run) => {
    const one = created?.get(run.id);
    created?.delete(run.id);
    return one ?? others.shift()!;
  });
}

/** Those that one statement creates, by their ids; undefined: not known. What they begin with is left out when the server refuses it, a token that is taken for instance: it is a commit like any other then. */
async function createPlain(
  database: Database,
  runs: readonly NewRun[],
  owner: string | null,
  firsts: Firsts,
): Promise<Map<string, CreatedRun> | undefined> {
  let records: ReadonlyMap<string, RunRecord> | undefined;
  try {
    records = await database.retry(() => insertRuns(database.direct, runs, owner, firsts), "once");
  } catch (error) {
    if (firsts.size > 0 && !WorldError.is(error)) return createPlain(database, runs, owner, new Map());
    records = askAgain(error);
  }
  if (records === undefined) return undefined;
  const created = new Map<string, CreatedRun>();
  for (const [id, run] of records) {
    const first = firsts.get(id);
    created.set(id, { run, created: true, replaced: null, ...(first && { begun: begunOf(first) }) });
  }
  return created;
}

/** A creation whose outcome is unknown is done again, and finds what it left. */
function askAgain(error: unknown): undefined {
  if (!WorldError.is(error) || error.code !== "WORLD_UNAVAILABLE") throw error;
}

/** What exists may be null here: held by a run on another server. */
type Found = Omit<CreatedRun, "run"> & { readonly run: RunRecord | null };

/** The answer of an earlier try, if that was committed: the run that it created is there. What else the try did (whom the run replaced) is not to be seen any more. */
function lostAnswer({ run, created }: Found, id: string, answer: CreatedRun | undefined): CreatedRun | null {
  return answer !== undefined && !created && run?.id === id && run.createdAt === answer.run.createdAt ? answer : null;
}

/** After a single statement was lost, which has said nothing: what exists under the very id, and as it would be, is what it created. */
function asCreated(result: CreatedRun, { id, beginning }: NewRun, owner: string | null): CreatedRun {
  const { run, created } = result as Found;
  const owners = beginning?.patch?.release ? [owner, null] : [owner];
  const isOwn = run?.id === id && owners.includes(run.owner) && run.fence === (owner === null ? 0 : 1);
  return created || !isOwn ? result : { ...result, created: true };
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
  const { leases } = store;
  /** When each worker's lease was last renewed here, by {@link sharedNow}: another renewal can wait for a third of the lease. */
  const renewedAt = new Map<string, number>();

  async function renewNow(worker: string, leaseMs: number): Promise<void> {
    const at = sharedNow();
    await renew(store.database(), worker, leaseMs);
    store.retention.begin();
    renewedAt.set(worker, at);
  }

  function isFresh(worker: string, leaseMs: number): boolean {
    const at = Math.max(renewedAt.get(worker) ?? 0, leases.renewedAt(workerId(worker)) ?? 0);
    return at !== 0 && sharedNow() - at <= leaseMs / 3;
  }

  async function claimRuns(request: ClaimRequest): Promise<Claimed> {
    const { worker, leaseMs, limit } = request;
    assertWorker(worker, leaseMs);
    assertCount("The limit of a claim", limit, 0);
    const database = store.database();
    if (!isFresh(worker, leaseMs)) await renewNow(worker, leaseMs);
    leases.alive(workerId(worker), leaseMs);
    const { leaseLeft, ...claimed } = await claim(database, request);
    // By the database's clock, which is the one that counts.
    if (leaseLeft === null || leaseLeft < (leaseMs * 2) / 3 || leaseLeft > leaseMs) await renewNow(worker, leaseMs);
    return claimed;
  }

  return {
    claim: claimRuns,
    async heartbeat(worker, leaseMs) {
      assertWorker(worker, leaseMs);
      await renewNow(worker, leaseMs);
      leases.alive(workerId(worker), leaseMs);
    },
    async retire(worker) {
      assertWorker(worker);
      renewedAt.delete(worker);
      await leases.letGo(workerId(worker));
      await store.database().transaction((transaction) => retire(transaction, worker), "repeatable");
      store.notifier.hints.due();
    },
  };
}

function streams(store: Store): World["streams"] {
  return {
    async append(appends) {
      assertAppends(appends);
      const database = store.database();
      if (appends.length === 0) return [];
      const repeatable = appends.every(({ writer, chunks }) => writer !== undefined || chunks.length === 0) ? "repeatable" : "once";
      const results = await database.transaction((transaction) => appendStreams(transaction, appends), repeatable);
      // Also for a retry that added nothing: its first try may not have been told of.
      for (const [index, { runId }] of appends.entries()) if (results[index]!.status === "appended") store.notifier.hints.stream(runId);
      return results;
    },
    async read(ref, from, limit) {
      assertCount("The start of a stream page", from, 0);
      if (limit !== undefined) assertCount("The limit of a stream page", limit, 1);
      return readStream(store.database(), ref, from, limit);
    },
  };
}

function code(store: Store): World["code"] {
  return {
    async put(hash, bytes) {
      assertCode(hash, bytes);
      await putCode(store.database(), hash, bytes);
    },
    get: async (hash) => getCode(store.database(), hash),
    storedAt: async (hash) => codeStoredAt(store.database(), hash),
  };
}

function query(store: Store): World["query"] {
  return {
    run: async (by) => queryRun(store.database(), by),
    runsById: async (ids) => queryRunsById(store.database(), ids),
    runs: async (request) => queryRuns(store.database(), request ?? {}),
    versions: async (workflowId) => queryVersions(store.database(), workflowId),
    state: async (runId, key) => queryState(store.database(), runId, key),
    hook: async (token) => queryHook(store.database(), token),
  };
}
