import type { Claimed, ClaimRequest, Commit, CreatedRun, Delivery, Hints, NewRun, World } from "@perdure/world";
import {
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
import type pg from "pg";
import { closedError, createDatabase, type Database } from "./database/database.ts";
import { explain } from "./database/failure.ts";
import { createSource, type PgQueryable, type PgSource } from "./database/source.ts";
import { createSql, type Sql } from "./database/sql.ts";
import { migrate } from "./migrations/migrate.ts";
import { createRetention, type Retention, type RetentionLoop } from "./retention.ts";
import { newRunId } from "./run-ids.ts";
import { createLeaseThread, type LeaseThread, sharedNow } from "./lease-thread/lease-thread.ts";
import { createNotifier, type Notifier } from "./notify.ts";
import { claim } from "./operations/claim.ts";
import { getCode, putCode } from "./operations/code.ts";
import { commit, type Committed } from "./operations/commit.ts";
import { end } from "./operations/end.ts";
import { deliver, load } from "./operations/messages.ts";
import { queryHook, queryRun, queryRuns, queryRunsById } from "./operations/query.ts";
import { createRuns, insertRuns, isPlain, release } from "./operations/runs.ts";
import { queryState } from "./operations/state.ts";
import { createRunsIn } from "./operations/runs-in.ts";
import { appendStreams, readStream } from "./operations/streams.ts";
import { workerId } from "./operations/records.ts";
import { RENEW_EXISTING, renew, retire } from "./operations/workers.ts";
import { limitConnections, transactionsOf, type TransactionDatabase } from "./transaction/databases.ts";

export interface PostgresWorldOptions {
  /** Where the database is: a URL, or the options of a `pg.Pool`. */
  readonly url?: string | pg.PoolConfig;
  /**
   * Connections that are there already, instead of a `url`: a `pg.Pool`, or anything with its `query`. They stay the caller's: `close()` leaves them open. Without the
   * `connect` of a pool it is taken for one connection, whose transactions take turns.
   */
  readonly pool?: PgQueryable;
  /** The schema that holds the tables; several apps may share a database. Default `perdure`. */
  readonly schema?: string;
  /** Connections of the pool that is made for a URL; default 10. */
  readonly connections?: number;
  /**
   * Whether processes tell each other of news by LISTEN and NOTIFY. Default `auto`: unless a pooler is in between, which is found out at `setup()`. Without it they find out by polling.
   */
  readonly notify?: boolean | "auto";
  /** Whether statements are prepared by name. Default `auto`: on connections of its own, unless a pooler is in between. */
  readonly prepare?: boolean | "auto";
  /** For how long a call tries again when the database cannot be reached or conflicts, before it fails with WORLD_UNAVAILABLE; default 30,000 ms. */
  readonly patienceMs?: number;
  /** Whether `setup()` migrates. False: it only checks that the schema is there and not newer. Default true. */
  readonly migrate?: boolean;
  /**
   * How long runs are kept after their end, in milliseconds; a status that is left out: for ever, which is the default. With all that belongs to them; their keys are free again. Done by processes with a worker,
   * a few hundred runs at a time.
   */
  readonly retentionMs?: Retention;
  /**
   * The leases of this process's workers are renewed by a thread of their own, so that a step which blocks the event loop keeps its runs: for this long after the worker was last alive, then
   * it is taken to be stuck, and others take its runs over when its lease is over. 0: there is no thread, and the event loop must never be blocked for as long as a lease. Default 120,000 ms.
   */
  readonly stuckMs?: number;
}

/** What tests may change beside the options. */
export interface InternalOptions {
  /** A scalar SQL expression: ms since the epoch. */
  readonly clock?: string;
}

/**
 * Creates a World that keeps everything in one schema of a PostgreSQL database (13 to 18). Nothing is opened before `setup()`.
 *
 * A promise that resolves means that the write is as durable as the server's `synchronous_commit` makes it. Any number of processes and machines may
 * use the schema at once. Times are those of the database's clock.
 *
 * @throws WORLD_INVALID_ARGUMENT when there is neither a URL nor a pool, or the schema's name is empty or longer than 63 bytes
 */
export function createPostgresWorld(options: PostgresWorldOptions): World {
  return createPostgresWorldOn(options, {});
}

/** {@link createPostgresWorld}, with a clock of one's own. */
export function createPostgresWorldOn(options: PostgresWorldOptions, { clock }: InternalOptions): World {
  const store = createStore(options, clock);
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

/** A schema, its connections and its watchers. */
interface Store {
  readonly notifier: Notifier;
  readonly retention: RetentionLoop;
  readonly sql: Sql;
  /** For the transactions of steps. */
  readonly transactions: TransactionDatabase;
  readonly leases: LeaseThread;
  /** @throws WORLD_CLOSED, WORLD_UNAVAILABLE before `setup` */
  database(): Database;
  setup(): Promise<void>;
  close(): Promise<void>;
}

/** Where the connections come from. @throws WORLD_INVALID_ARGUMENT */
function connectionsFrom({ pool, url, schema, stuckMs = 0 }: PostgresWorldOptions): NonNullable<PostgresWorldOptions["pool" | "url"]> {
  if (schema !== undefined && (schema === "" || Buffer.byteLength(schema) > 63)) {
    throw new WorldError("WORLD_INVALID_ARGUMENT", `"${schema}" cannot be the name of a schema.`, { hint: "Pass 1 to 63 bytes." });
  }
  if (!(stuckMs >= 0)) {
    throw new WorldError("WORLD_INVALID_ARGUMENT", `"stuckMs" is ${String(stuckMs)}.`, { hint: "Pass milliseconds, 0 or more." });
  }
  const from = pool ?? url;
  if (from !== undefined) return from;
  throw new WorldError("WORLD_INVALID_ARGUMENT", "A World on PostgreSQL needs a database.", { hint: "Pass a `url` or a `pool`." });
}

function createStore(options: PostgresWorldOptions, clock: string | undefined): Store {
  const { schema = "perdure", connections = 10, patienceMs = 30_000, notify = "auto", prepare = "auto", stuckMs = 120_000 } = options;
  const from = connectionsFrom(options);
  const source = createSource(from, { connections });
  const sql = createSql(schema, clock);
  const database = createDatabase({ source, sql, named: prepare !== false, patienceMs });
  const leases = createLeaseThread({
    connection: source.connection,
    renew: sql.of(RENEW_EXISTING).text,
    // A clock that a test sets does not go on while a thread waits.
    stuckMs: clock === undefined ? stuckMs : 0,
  });
  let state: "new" | "open" | "closed" = "new";
  let opening: Promise<void> | null = null;
  let notifies = notify !== false;
  const channel = `perdure_${schema}`.slice(0, 63);
  const notifier = createNotifier({ source, database, channel, isWanted: () => notifies && state === "open" });

  const retention = createRetention(options.retentionMs ?? {}, database);

  async function open(): Promise<void> {
    try {
      await database.retry(() => migrate(source, sql, schema, options.migrate ?? true), "repeatable");
    } catch (error) {
      throw explain(error);
    }
    const pooled = await isPooled(database, source);
    if (pooled && notify === "auto") notifies = false;
    if (source.isOwn && !pooled) source.beginSessionsWith(SESSION);
    else if (prepare === "auto") database.withoutNames();
    if (state === "closed") return;
    state = "open";
    notifier.listen();
  }

  function opened(): Database {
    if (state === "closed") throw closedError();
    if (state === "open") return database;
    throw new WorldError("WORLD_UNAVAILABLE", "The World on PostgreSQL is not open.", { hint: "Call setup() first." });
  }

  return {
    notifier,
    leases,
    retention,
    sql,
    transactions: {
      connect: limitConnections(async () => (opened(), source.connect()), Math.max(1, Math.floor(source.size / 2))),
      table: `${sql.schema}.transactions`,
      runs: `${sql.schema}.runs`,
      // The queries of a step are planned as anywhere else.
      settings: source.isOwn ? "SET LOCAL enable_seqscan TO DEFAULT;" : "",
      patienceMs,
    },
    database: opened,
    async setup() {
      if (state === "closed") throw closedError();
      if (state === "open") return;
      opening ??= open().finally(() => (opening = null));
      await opening;
    },
    async close() {
      if (state === "closed") return;
      state = "closed";
      // Idle connections do not hold the process, which would end before they are closed.
      const hold = setInterval(() => {}, 60_000);
      try {
        await opening?.catch(() => {});
        await leases.close();
        await Promise.all([notifier.close(), retention.close()]);
        await source.close();
      } finally {
        clearInterval(hold);
      }
    },
  };
}

/**
 * A prepared statement keeps the plan that it got when the tables were small. Then to read a table as a whole looks cheap, and stays in the plan for as long as
 * nothing tells the server that the table has grown.
 */
const SESSION = "SET enable_seqscan = off";

/** A pooler gives a process id of its own at the start of a connection; the server's is another one. */
async function isPooled(database: Database, source: PgSource): Promise<boolean> {
  return database.retry(async () => {
    const client = await source.connect();
    try {
      const { rows } = await client.query({ text: "SELECT pg_backend_pid() AS pid" });
      const { pid } = rows[0] as unknown as { pid: number };
      return client.processId !== null && client.processId !== pid;
    } finally {
      client.release(false);
    }
  }, "repeatable");
}

function lifecycle(store: Store): Pick<World, "createRuns" | "load" | "commit" | "deliver" | "end" | "release"> {
  const { hints } = store.notifier;
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
      const results = await database.transaction(async (transaction, isRetry) => {
        const deliveries = await deliver(transaction, messages);
        // A try whose answer was lost may have delivered them.
        return isRetry
          ? deliveries.map((one): Delivery => (one.status === "duplicate" ? { ...one, status: "delivered" } : one))
          : deliveries;
      }, "repeatable");
      if (results.some(({ status }) => status === "delivered")) hints.due();
      return results;
    },
    async end(runId, how) {
      assertRunEnd(how);
      const outcome = await store.database().transaction((transaction) => end(transaction, runId, how), "repeatable");
      if (outcome !== "ended") return outcome;
      hints.ended(runId);
      hints.due(); // for those who awaited it
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
  const created = isPlain(runs) ? await database.retry(() => insertRuns(database.direct, runs, owner), "once").catch(askAgain) : null;
  if (created?.size === runs.length) return runs.map(({ id }) => ({ run: created.get(id)!, created: true, replaced: null }));
  const isUnknown = created === undefined;
  const first = new Set(created?.keys());
  const rest = runs.filter(({ id }) => !first.delete(id));
  const others = await database.transaction(async (transaction, isRetry) => {
    const results = await createRuns(transaction, rest, owner);
    if (!isUnknown && !isRetry) return results;
    const told = new Set(created?.keys()); // the same id once more in this call exists already
    return results.map((result, index) => {
      const { id } = rest[index]!;
      return told.has(id) ? result : (told.add(id), asCreated(result, rest[index]!, owner));
    });
  }, "repeatable");
  return runs.map((run) => {
    const record = created?.get(run.id);
    created?.delete(run.id);
    return record === undefined ? others.shift()! : { run: record, created: true, replaced: null };
  });
}

/** A creation whose outcome is unknown is done again, and finds what it left. */
function askAgain(error: unknown): undefined {
  if (!WorldError.is(error) || error.code !== "WORLD_UNAVAILABLE") throw error;
}

/** After an answer was lost: what exists under the very id, and as it would be, is what the lost try created. */
function asCreated(result: CreatedRun, { id }: NewRun, owner: string | null): CreatedRun {
  const { run, created } = result;
  const isOwn = run.id === id && run.owner === owner && run.fence === (owner === null ? 0 : 1);
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
  };
}

function query(store: Store): World["query"] {
  return {
    run: async (by) => queryRun(store.database(), by),
    runsById: async (ids) => queryRunsById(store.database(), ids),
    runs: async (request) => queryRuns(store.database(), request ?? {}),
    state: async (runId, key) => queryState(store.database(), runId, key),
    hook: async (token) => queryHook(store.database(), token),
  };
}
