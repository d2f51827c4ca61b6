/**
 * The contract between the runtime and storage.
 *
 * A World stores, fences and wakes; it does not decide. Which step runs, what a result means and when a run has ended
 * are the runtime's decisions; a World records them atomically, refuses writers that no longer own a run, and tells
 * workers which runs are due. All payloads are opaque bytes to it.
 *
 * The records, in one paragraph: a *run* is a row with a status, an owner (a worker), a *fence* (a number that grows
 * with each claim) and a time at which it next needs a worker (`dueAt`). Its *history* is a list of rows numbered
 * 1, 2, 3 … without holes, written only by the owner, in commits that each prove the fence. *Messages* come from outside (hook
 * payloads and the like) or from the commits of other runs, wake their run, and are consumed by the commit that folds them into history. *Hooks* reserve
 * tokens. *State* is what a run publishes under keys. *Awaits* ask for the message that tells a run of another one's end. A run that ends may have
 * a *successor*, which goes on in its place. *Workers* hold leases: one row each, renewed by a heartbeat; a run belongs to its owner for as long as the owner's
 * lease lasts.
 *
 * All times are milliseconds since the Unix epoch by the World's own clock, unless said otherwise.
 *
 * Arguments that no World may store (an id that is empty or longer than 512 characters, text with NUL or a lone surrogate where it names
 * something, a run id that is not a UUID in lower case, bytes that are no Uint8Array) are refused with WORLD_INVALID_ARGUMENT
 * before anything is written; see `arguments.ts`. Bytes are taken over when a call is made: the caller may use its buffer again as soon as
 * the promise has settled, and may change what it was given.
 */

import type {
  Amendment,
  ClaimRequest,
  Claimed,
  Commit,
  CommitResult,
  CreatedRun,
  Delivery,
  HistoryPage,
  Message,
  NewRun,
  QueryRunsRequest,
  Release,
  Renewal,
  RunEnd,
  RunPage,
  RunRecord,
  StateEntry,
  StreamAppend,
  StreamAppended,
  StreamPage,
  StreamRef,
  VersionList,
} from "./records.ts";

/** The optional capabilities of a World; the conformance suite checks each one that is claimed. */
export interface WorldSupports {
  /** Several processes may use the same store at the same time. */
  readonly processes: boolean;
  /** What was acknowledged is still there after the store was closed and opened again. */
  readonly durable: boolean;
}

/**
 * A hint that something is worth looking at. `due`: some run may be claimable, or a message may wait. `ended`: a run may have reached a
 * terminal status, or have been amended. `state`: a run may have published state. `stream`: a stream of the run may have grown, or ended. Hints may be lost, repeated or
 * wrong; polling is the truth.
 */
export type Hint = { readonly kind: "due" } | { readonly kind: "ended" | "state" | "stream"; readonly runId: string };

/** Stops the hints of one {@link World.watch} call. Idempotent. */
export type Unwatch = () => void;

export interface World {
  /** A short name for messages and benchmarks: `"memory"`, `"sqlite"`, `"postgres"`. */
  readonly name: string;
  readonly supports: WorldSupports;

  /** Creates or migrates the store. Idempotent and safe under concurrent callers. @throws WORLD_CORRUPT, WORLD_NEWER, WORLD_UNAVAILABLE */
  setup(): Promise<void>;

  /** Ends all use of the store by this instance; later calls fail with WORLD_CLOSED. Idempotent. */
  close(): Promise<void>;

  /** The World's clock, ms since the epoch. */
  now(): Promise<number>;

  /**
   * A new id for a run, a UUID of version 7 with the time of this process's clock (by which a run may begin), that says where the run will live: `near` a run (of a World on several servers: on the same one), where a
   * `key` is kept, or where there is room now. Ids of children and successors that are known before are those of {@link withSlot}, with the slot of
   * the run that asks. Left out by Worlds to which all ids are alike: the caller makes them.
   */
  newRunId?(place?: { readonly near: string } | { readonly key: string }): string;

  /**
   * The lane that writes of a run go through: what waits for one lane must not hold up another. Commits of one lane are best sent together, of several
   * lanes side by side. A worker's lease on the runs of one lane may end while that on others goes on, see {@link Renewal}. Known without asking the store, and for every
   * id, also of runs that this World does not know; a run that was created or claimed here stays in its lane. Left out when there is one.
   */
  laneOf?(runId: string): string;

  /**
   * Creates runs, all or none of those that one server keeps (a World on one server: all or none), one after another. A run whose `id` or `key` exists already is not created again: its entry reports the existing
   * record with `created: false`. With `ifKeyExists: "replace"` only the `id` counts (so a retry replaces nothing): another run that has the key
   * loses it to the new one, and is ended first if it is open, as by {@link World.end}: `cancelled`, with the output `replaceOutput` and the
   * note `replaced by <id of the new run>`. With `owner`, each run that this call really created belongs to that worker at once, with
   * fence 1, as if the worker had claimed it; then its `beginning` may be stored with it, whole, or not at all.
   * Results are in the order of `runs`. Wakes watchers.
   */
  createRuns(runs: readonly NewRun[], options?: { readonly owner?: string | undefined }): Promise<CreatedRun[]>;

  /**
   * Creates runs by a transaction of the caller's: they exist when that commits, and were never there when it is rolled back. For Worlds that keep their runs in a database which
   * applications use too; others leave it out. `client` is the caller's connection, of a kind that the World says. Results are those of `createRuns` without an owner, as the
   * transaction sees them: another transaction that is creating a run of the same key makes it wait. Nothing is tried again, because the transaction is the
   * caller's; an error of the database is thrown as it is. Watchers may be woken after the commit, or not at all.
   * @throws WORLD_INVALID_ARGUMENT for a client of another kind or without an open transaction, as far as that can be told, and for `ifKeyExists: "replace"`
   */
  createRunsIn?(client: object, runs: readonly NewRun[]): Promise<CreatedRun[]>;

  /**
   * Gives runs to a worker: open runs that are due (`dueAt <= now`) and have no owner, or whose owner's lease is over.
   * Raises the fence of each. Earliest due first (of each server, where a World has several), at most `limit`. Never gives a worker a run that it owns already.
   * Also returns the unconsumed messages of runs that this worker owned before the call (`messages`), and the earliest
   * `dueAt` in the future among runs without a living owner (`nextDueAt`, null when there is none).
   * Renews the worker's own lease like {@link World.heartbeat}; a World may leave that out while more than two thirds of it are left.
   */
  claim(request: ClaimRequest): Promise<Claimed>;

  /** Renews (or first creates) the lease of a worker: it lasts until `now + leaseMs`. Of a World on several servers it suffices that one answers; `renewed` says which lanes it was. */
  heartbeat(worker: string, leaseMs: number): Promise<Renewal | void>;

  /** Ends a worker's lease at once: its runs are claimable when due, and do not count as crashed. Idempotent. */
  retire(worker: string): Promise<void>;

  /**
   * Gives runs back. A lease whose fence is no longer current is ignored. With `dueAt` the run's due time is set as in a commit;
   * without it the due time stays. A run that has unconsumed messages stays due. Wakes watchers.
   */
  release(worker: string, leases: readonly Release[]): Promise<void>;

  /**
   * The history rows of a run with `seq > after`, in order, at most `limit` (default: all), together with the run's live hooks and
   * its unconsumed messages (in order of delivery; hooks and messages come whole with every page). Call it only after the claim was
   * acknowledged. @throws RUN_NOT_FOUND
   */
  load(runId: string, options?: { readonly after?: number; readonly limit?: number }): Promise<HistoryPage>;

  /**
   * The engine's only write path. One transaction for the batch; each commit stands alone within it: it is applied whole or not at
   * all, and its failure never spoils another's. Results are in the order of `commits`; a batch holds at most one commit per run.
   *
   * Outcome per commit:
   * - `committed`: all of it is durable. Also the answer to a retry of a commit that had landed before: rows (run, seq) that carry this
   *   commit's own fence are its own, also after a takeover; a commit without rows that ended the run is known by fence, length and
   *   status. `conflicts` lists the operations whose hook token was already taken by another run or operation, the same ones on a retry.
   *   `existing` lists the runs that were not created because another run had the key; on a retry with the run that has the key by then.
   * - `fenced`: the run has another owner or fence by now, is over, or does not exist. Nothing was written.
   * - `behind`: the fence is right but the history's length is not `base`: the database went back, or a late commit landed.
   *   Nothing was written.
   * - `failed`: this commit cannot be stored (a value that is too large, an argument that no World may store, a chunk for a closed
   *   stream, too many attributes, chunks, state, runs or messages without a row or an end by which a retry could know them, a successor
   *   without an end or with the id of another run; runs or a successor that another server would keep). Nothing was written.
   *   With an error WORLD_UNAVAILABLE: a part of the World that this commit needs and others do not (where a key or a token is kept) did not answer; a
   *   later try may succeed.
   *
   * A rejected promise means that the outcome of every commit in the batch is unknown; retry the same commits.
   *
   * Rules: rows number `base + 1 …` without holes. Only together with the rows, and in this order, messages are marked consumed, hooks
   * disposed and reserved, streams appended and closed, state published, the patch applied, runs and the successor created, messages sent, and awaits
   * answered or noted. `patch.release` comes last. `patch.dueAt` never makes a run sleep past an unconsumed message: if one is
   * left after this commit, the run stays due. Messages that the commit sends are delivered as by {@link World.deliver}, and
   * dropped without an error where that would answer `not_found` or `ended`. Two runs of one batch may write to each other. Hooks are disposed before others are reserved, so that one commit may free a token and take
   * it again; an operation that is in both lists is never held. A terminal status ends the run: owner and due time are cleared, its hooks
   * released, its unconsumed messages dropped, and its own awaits with them. Two commits of one run in a batch are refused with WORLD_INVALID_ARGUMENT.
   *
   * Awaits: when a run ends for good (by a commit, by {@link World.end}, by being replaced), the same transaction delivers the answer to each
   * run that awaits it, in the order in which they came to await it; see {@link Await}. When it ends with a successor, they await the successor. A run that is over when
   * an await reaches it answers at once; one that has a successor passes the await on, along the chain to its last run. A key may be that of a run which the same commit creates.
   * Wakes watchers.
   */
  commit(commits: readonly Commit[]): Promise<CommitResult[]>;

  /**
   * Delivers messages from outside. Idempotent by (run, message id), for as long as the run's record exists, also after the message
   * was consumed or the run is over. (A token or a key may be another run's by the time of a retry.) The run becomes due now, unless it was due earlier. Results are in the order of `messages`.
   * Wakes watchers.
   */
  deliver(messages: readonly Message[]): Promise<Delivery[]>;

  /**
   * Ends an open run at once, whoever owns it: as a terminal status in a commit does, without a successor. The fence grows too, so that the next commit of the
   * owner is `fenced`. `already`: the run was over, and stays as it is; also the answer to a retry. Wakes watchers.
   */
  end(runId: string, end: RunEnd): Promise<"ended" | "already" | "not_found">;

  /**
   * Changes a run from outside, whoever owns it, in one transaction: gives it another version, takes back the end of its history, or both. The run is open afterwards, nobody's, due
   * at once, without a note or an output, and has a new fence, so that the next commit of its owner is `fenced`; takeovers are counted from 0. Its key, attributes, streams and published state stay.
   *
   * - `amended`: also the answer to a retry, which is known by the copy that is there, or, without `rewind`, by the version and a later fence.
   * - `changed`: its status, fence or length is not the one that was seen, it has a successor, or it is over and there is no `rewind`. Nothing was written.
   *
   * Those who were told of the run's end are not told of another one; the messages that it had not consumed when it ended are gone.
   * Wakes watchers, also with `ended`: it is how a worker learns that its copy is out of date.
   * @throws WORLD_INVALID_ARGUMENT
   */
  amend(runId: string, amendment: Amendment): Promise<"amended" | "changed" | "not_found">;

  /** Byte streams that belong to a run and outlive it. */
  readonly streams: {
    /**
     * Appends to streams, in this order, in one transaction; each append stands alone within it, and its failure never spoils another's.
     * Chunks number 0, 1, 2 … per stream. Results are in the order of `appends`.
     *
     * A rejected promise means that the outcome of every append is unknown. An append with a `writer` may then be tried again, also with more chunks
     * behind: the World knows how many of a writer's chunks it has, and adds only the rest. Without one, a retry may add the chunks twice.
     * What a writer was told stays true when others append, when the stream is closed, and when its run is over.
     *
     * Outcome per append:
     * - `appended`: its chunks are durable, and with `close` the stream has an end; closing again is nothing. Also when all of them were there before.
     * - `closed`: the stream had an end and not all of the chunks. Nothing was written.
     * - `behind`: the World has fewer of the writer's chunks than it was told it has: the database went back. Nothing was written.
     * - `not_found`: there is no such run.
     * Wakes watchers. @throws WORLD_INVALID_ARGUMENT for the whole call
     */
    append(appends: readonly StreamAppend[]): Promise<StreamAppended[]>;
    /**
     * Chunks with index >= `from`, in order, at most `limit`, and how the stream and its run stood at that moment. A stream that nobody wrote is
     * empty and open, also that of a run which does not exist.
     */
    read(stream: StreamRef, from: number, limit?: number): Promise<StreamPage>;
  };

  /** Workflow bundles by the hash of their content. The World does not check the hash; the runtime does. */
  readonly code: {
    /** Stores the bytes unless the hash is known already. */
    put(hash: string, bytes: Uint8Array): Promise<void>;
    get(hash: string): Promise<Uint8Array | null>;
    /**
     * When the bundle was stored, ms since the epoch by the World's clock: of several versions of a workflow, which one came last. A bundle that is known already keeps its time; 0
     * for one that is older than such times. Null: it is not there.
     */
    storedAt(hash: string): Promise<number | null>;
  };

  /** The read side for people and tools; the engine never decides by it. */
  readonly query: {
    run(by: { readonly id: string } | { readonly key: string }): Promise<RunRecord | null>;
    /** Runs by id (all that exist, any order). For waiters: one query for many. */
    runsById(ids: readonly string[]): Promise<RunRecord[]>;
    /** Newest first, by creation; `cursor` continues a page. */
    runs(request?: QueryRunsRequest): Promise<RunPage>;
    /** The versions that open runs have, of all workflows or of one. Costs as much as there are open runs. */
    versions(workflowId?: string): Promise<VersionList>;
    /** The run that holds a hook token now, or null. */
    hook(token: string): Promise<{ readonly runId: string; readonly operation: string; readonly metadata: Uint8Array | null } | null>;
    /** What a run has published, in any order; with `key` that entry alone. Empty for a run that does not exist; stays when the run is over. */
    state(runId: string, key?: string): Promise<StateEntry[]>;
  };

  /** Calls `listener` with hints until unwatched. The listener must not throw. May be called before `setup`. */
  watch(listener: (hint: Hint) => void): Unwatch;
}
