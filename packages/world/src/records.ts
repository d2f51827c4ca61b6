/** A run is open while it is `running`; the other three are terminal, and final unless somebody reopens the run, see {@link World.amend}. */
export type RunStatus = "running" | "completed" | "failed" | "cancelled";

/** The run that asked for another one, and by which of its operations. A World does not look whether they exist. */
export interface RunParent {
  readonly runId: string;
  readonly operation: string;
}

/**
 * What runs are searched by: at most 64 per run, names of 1 to 128 characters, text of at most 1,024 characters (well formed, without NUL),
 * finite numbers (-0 is 0).
 */
export type Attributes = Readonly<Record<string, AttributeValue>>;

export type AttributeValue = string | number | boolean;

/** A run to create. */
export interface NewRun {
  /** A UUID in lower case; version 7 keeps indexes compact. */
  readonly id: string;
  /** The caller's own name for the run, unique among all runs of the World, or null. 1 to 512 characters. */
  readonly key: string | null;
  /** `package/path#export`. */
  readonly workflowId: string;
  /** The hash of the workflow's bundle. */
  readonly version: string;
  readonly input: Uint8Array;
  /** When the run first needs a worker; null means now. */
  readonly dueAt: number | null;
  readonly parent?: RunParent | null;
  readonly attributes?: Attributes;
  /** What becomes of another run that has the key, see {@link World.createRuns}; default `return`. Means nothing without a key. */
  readonly ifKeyExists?: "return" | "replace";
  /** The output of the run that is ended because this one replaces it; default null. */
  readonly replaceOutput?: Uint8Array | null;
  /** The rows with which its history begins, numbered from 1 on; default none. Nobody's commit wrote them. */
  readonly history?: readonly Uint8Array[];
  /**
   * The first commit of the worker for which the run is created, which knows what it will say. A World may store it with the run, or take no notice of it: `begun` tells. The same
   * commit does no harm afterwards. Means nothing without an owner, and beside `history`.
   */
  readonly beginning?: Beginning;
}

/** A commit of a new run's first rows. */
export type Beginning = Pick<Commit, "rows" | "patch" | "hooks">;

/** What a World knows of a run. */
export interface RunRecord {
  readonly id: string;
  /** Null also for a run whose key another one has taken over. */
  readonly key: string | null;
  readonly workflowId: string;
  readonly version: string;
  readonly parent: RunParent | null;
  readonly attributes: Attributes;
  readonly status: RunStatus;
  readonly input: Uint8Array;
  /** The result of a completed run, the error of a failed or cancelled one; null while it is open. */
  readonly output: Uint8Array | null;
  /** One readable line: what an open run waits for, or why a run failed. Null when it is simply at work. */
  readonly note: string | null;
  /** When the run next needs a worker; null: not before a message arrives, or never again. */
  readonly dueAt: number | null;
  /** The worker that owns the run, or null. It may be dead. */
  readonly owner: string | null;
  /** 0 before the first claim; grows with every claim, and when the run is ended from outside. */
  readonly fence: number;
  readonly createdAt: number;
  /** When the run reached its terminal status, or null. */
  readonly endedAt: number | null;
  /** The run that goes on in this one's place, see {@link Commit.successor}; null while it is open, and when it ended for good. */
  readonly successor: string | null;
}

export interface CreatedRun {
  readonly run: RunRecord;
  /** False when a run with this id or key existed before; `run` is then the existing one. */
  readonly created: boolean;
  /** The run that lost its key to this one, whether it was open until then or over before; else null. */
  readonly replaced: string | null;
  /** What became of the run's `beginning`, which was stored with it. Left out when it was not, or when that is not known. */
  readonly begun?: Extract<CommitResult, { status: "committed" }>;
}

/** An end that comes from outside of the run, see {@link World.end}. */
export interface RunEnd {
  readonly status: "cancelled" | "failed";
  readonly output: Uint8Array | null;
  readonly note: string | null;
}

/** What becomes of a run because somebody decided it from outside, see {@link World.amend}. */
export interface Amendment {
  /** The run as it was looked at. When it is not so any more, nothing is changed. */
  readonly seen: { readonly status: RunStatus; readonly fence: number };
  /** The code that the run has from now on; left out: the one that it has. */
  readonly version?: string;
  /** Left out: its history stays as it is, and the run must be open. */
  readonly rewind?: Rewind;
}

/** Takes back the end of a history, and opens the run again if it was over. */
export interface Rewind {
  /** How many rows the history was seen to have. */
  readonly length: number;
  /** How many of them, from the first one on, the run keeps. */
  readonly keepRows: number;
  /**
   * What the run was is kept as another one, of a new id (of a World on several servers: one that lives with the run), which is over: the same workflow, version, input, output and rows, no key,
   * no attributes, the run as its parent with the operation `rewind`. An open run's copy is `cancelled`.
   */
  readonly copy: { readonly id: string; readonly note: string };
  /** The operations that the kept rows leave open: hooks and awaits of all others are released, and messages to others are removed. */
  readonly operations: readonly string[];
  /** Ids of messages of which nothing is known any more: another one with the id is no duplicate. */
  readonly forgotten: readonly string[];
  /** Messages that wait (again), in this order, behind those that do. */
  readonly messages: readonly Omit<ReceivedMessage, "runId">[];
  /** What the run is to be told of (again). Nothing is done for one whose answer waits. */
  readonly awaits: readonly Await[];
}

/** Proof of ownership: this run, at this fence. */
export interface Lease {
  readonly runId: string;
  readonly fence: number;
}

export interface Release extends Lease {
  readonly dueAt?: number | null;
}

export interface ClaimRequest {
  /** The claiming worker's id, unique per process start. */
  readonly worker: string;
  /** At most this many runs; 0 claims none and still returns messages. */
  readonly limit: number;
  /**
   * Ids of all runs that the worker knows to be its own. Given after a call whose answer was lost (a claim, a creation with an owner): other
   * runs that belong to the worker are set free first, so that no run stays with an owner that does not know of it.
   */
  readonly holding?: readonly string[];
  readonly leaseMs: number;
}

export interface ClaimedRun {
  readonly run: RunRecord;
  /** This claim took the run from a worker whose lease ran out (not retired, not released). */
  readonly isTakeover: boolean;
  /**
   * How many such takeovers there were since the history last grew, this one included. Being released, or the end of a retired worker, leaves the
   * number as it is, so that a run which ends its workers is found out however it gets from one to the next.
   */
  readonly crashes: number;
  /** What {@link World.load} would have found as the run was claimed, where the World knows it without being asked again; a message that came since is in a claim's `messages`. */
  readonly page?: HistoryPage;
}

/** Which of a worker's leases were renewed. */
export interface Renewal {
  /** The lanes (`World.laneOf`) of the parts of the World that answered: on the others the lease ends when its time is over. Left out when all answered. */
  readonly renewed?: ReadonlySet<string>;
}

export interface Claimed extends Renewal {
  readonly runs: ClaimedRun[];
  /** Unconsumed messages of runs that the worker owned before this call, in order of delivery. */
  readonly messages: ReceivedMessage[];
  readonly nextDueAt: number | null;
  /** A part of the World did not answer, and may have given runs to the worker all the same: it says what it is holding with its next claim. */
  readonly isPartial?: true;
}

/** One row of a run's history. The bytes are the runtime's. */
export interface HistoryRow {
  /** 1, 2, 3 … */
  readonly seq: number;
  readonly data: Uint8Array;
}

export interface HistoryPage {
  readonly rows: HistoryRow[];
  /** Tokens that the run holds now. */
  readonly hooks: HookRecord[];
  readonly messages: ReceivedMessage[];
}

export interface HookRecord {
  /** 1 to 512 characters, unique among the living hooks of the World. */
  readonly token: string;
  /** The operation of the run that created the hook. */
  readonly operation: string;
  readonly metadata: Uint8Array | null;
}

/** A message from outside. */
export interface Message {
  /** The sender's id for it; a second message with the same id to the same run is a duplicate. 1 to 512 characters. */
  readonly id: string;
  /** A run, or the last of its successors; or whoever holds a hook token, or has a key (1 to 512 characters), when the message is delivered. */
  readonly to: { readonly runId: string } | { readonly token: string } | { readonly key: string };
  /** What it is, for the runtime: `hook`, `cancel`, `wake` … */
  readonly kind: string;
  readonly payload: Uint8Array;
}

export interface ReceivedMessage {
  readonly runId: string;
  readonly id: string;
  readonly kind: string;
  /** The hook's operation when the message was addressed to a token, the awaiting one when it answers an {@link Await}, else null. */
  readonly operation: string | null;
  readonly payload: Uint8Array;
}

/** `duplicate`: delivered before. `not_found`: no such run, no living hook with this token, no run with this key. `ended`: the run is over. */
export type Delivery = { readonly status: "delivered" | "duplicate" | "ended"; readonly runId: string } | { readonly status: "not_found" };

export interface Commit extends Lease {
  /** The worker that owns the run. */
  readonly worker: string;
  /** The length of the history that this commit continues. */
  readonly base: number;
  /** May be empty (a commit that only patches). */
  readonly rows: readonly Uint8Array[];
  readonly patch?: RunPatch;
  /** Hooks to reserve. A taken token is reported in `conflicts` and does not fail the commit. */
  readonly hooks?: readonly HookRecord[];
  /** Operations whose hooks are released. */
  readonly disposedHooks?: readonly string[];
  /** Ids of messages that the rows have folded in. */
  readonly consumed?: readonly string[];
  readonly chunks?: readonly StreamChunk[];
  /** State to publish, in this order. */
  readonly state?: readonly StateWrite[];
  /**
   * Runs that this run starts, one after another, without an owner. One whose `id` exists is left as it is; one whose key another run has
   * is not created (see `existing` of {@link CommitResult}) or replaces that run, as `ifKeyExists` says.
   */
  readonly runs?: readonly NewRun[];
  /**
   * The run that goes on in this one's place; only with a terminal status in the patch. Its `key` and `parent` must be null: it takes this
   * run's key (which loses it) and has the same parent. Without `attributes` it has this run's. It takes over those who await this run, and
   * this run's unconsumed messages that were addressed to the run itself (whose operation is null). Its id must be new.
   */
  readonly successor?: NewRun;
  /** What this run sends to others, or to itself. */
  readonly messages?: readonly Message[];
  /** Runs of whose end this run wants to be told. */
  readonly awaits?: readonly Await[];
}

/**
 * A run's wish to be told of the end of another one. The answer is a message to the awaiting run: id `ended:<operation>`, kind `ended`, the
 * operation, and as payload one line (`completed`, `failed` or `cancelled`, and a newline) before the bytes of the ended run's output
 * (none for null); `not_found` and a newline when there is no such run.
 */
export interface Await {
  /** The operation of the awaiting run; 1 to 506 characters. It awaits one run, once: another await of the operation is ignored. */
  readonly operation: string;
  /** A run; or the one that has a key (1 to 512 characters) when the commit is applied. */
  readonly run: { readonly id: string } | { readonly key: string };
}

/** Fields left out stay as they are. */
export interface RunPatch {
  readonly status?: RunStatus;
  readonly output?: Uint8Array | null;
  /** NUL and lone surrogates are stored as U+FFFD: the text of an error never fails a commit. */
  readonly note?: string | null;
  readonly dueAt?: number | null;
  /**
   * Gives the run back: it has no owner from then on, and the due time says when it needs one. Only with rows, and not with an end. A World that cannot tell before it writes whether all of the
   * commit's hooks are free may leave the run with its owner; see `released` of {@link CommitResult}.
   */
  readonly release?: boolean;
  /** Merged into the run's attributes one by one; null removes one. */
  readonly attributes?: Readonly<Record<string, AttributeValue | null>>;
}

export type CommitResult =
  | {
      readonly status: "committed";
      /** The operations whose hook token was taken. */
      readonly conflicts: readonly string[];
      /** For each of the commit's `runs` whose key another run had, so that it was not created: its id, and the run that has the key. Left out when empty. */
      readonly existing?: readonly { readonly id: string; readonly runId: string }[];
      /** The run was to be given back, and does not belong to the worker any more. Left out otherwise. */
      readonly released?: boolean;
    }
  | { readonly status: "fenced" }
  | { readonly status: "behind" }
  | { readonly status: "failed"; readonly error: Error };

export interface StreamRef {
  readonly runId: string;
  readonly name: string;
}

/** A chunk for a stream of the run that commits. */
export interface StreamChunk {
  readonly name: string;
  /** Null marks the stream's end, behind the chunks that come before; an end that is marked again is nothing. */
  readonly data: Uint8Array | null;
}

/** Chunks for one stream, see {@link World.streams}. */
export interface StreamAppend extends StreamRef {
  readonly chunks: readonly Uint8Array[];
  /** Marks the stream's end behind the chunks. */
  readonly close?: boolean;
  readonly writer?: StreamWriter;
}

/** Makes an append idempotent. */
export interface StreamWriter {
  /** Whoever appends to this stream one after another, waiting for each answer. 1 to 512 characters, never used by anyone else. */
  readonly id: string;
  /** How many chunks the writer had appended to this stream before these. */
  readonly from: number;
}

export type StreamAppended =
  | {
      readonly status: "appended";
      /** How many chunks this call added: the last ones of the append, from index `length - added` on. */
      readonly added: number;
      /** The length of the stream behind them. */
      readonly length: number;
    }
  | { readonly status: "closed" | "behind" | "not_found" };

/** A write of published state; null removes the entry. */
export interface StateWrite {
  /** 1 to 512 characters. */
  readonly key: string;
  readonly value: Uint8Array | null;
}

export interface StateEntry {
  readonly key: string;
  readonly value: Uint8Array;
  /** How often the key was written, removals included: a value that comes back has another version. */
  readonly version: number;
}

export interface StreamPage {
  readonly chunks: Uint8Array[];
  /** The index after the last chunk returned. */
  readonly next: number;
  /** True when the stream is closed and `next` is its end. */
  readonly done: boolean;
  /** How many chunks the stream has. */
  readonly length: number;
  /** The status of the run; null when there is no such run. */
  readonly run: RunStatus | null;
}

export interface QueryRunsRequest {
  readonly status?: RunStatus;
  readonly workflowId?: string;
  /** The children of this run. */
  readonly parent?: string;
  /** Runs that have all of these, each equal in type and value. */
  readonly attributes?: Attributes;
  /** 1 to 1,000; default 100. */
  readonly limit?: number;
  readonly cursor?: string;
}

/** Code that open runs have. */
export interface VersionRecord {
  readonly workflowId: string;
  readonly version: string;
  /** How many open runs there are of it; at least 1. */
  readonly open: number;
}

export interface VersionList {
  /** In the order of workflow ids; those of one workflow in no particular order. */
  readonly versions: VersionRecord[];
  /** As of {@link RunPage}. */
  readonly unavailable?: readonly string[];
}

export interface RunPage {
  readonly runs: RunRecord[];
  /** Pass it to continue; null at the end. */
  readonly cursor: string | null;
  /** Names of parts of the World that did not answer, whose runs are missing. Left out when there is none. */
  readonly unavailable?: readonly string[];
}
