/**
 * The state of a memory World.
 *
 * Invariants: `open` holds exactly the runs whose status is `running`; `tokens` holds exactly the hooks of open runs;
 * `keys` holds exactly the runs that have a key, under it; a run's `waiting` holds exactly its messages that are not consumed, in order of delivery, and a run with one is due;
 * an await lies in `awaits` of one open run and in `awaiters` of another (or the same), and in none when one of the two is over.
 * Bytes are copied on the way in and on the way out, so that no caller shares memory with the store.
 */

import type { Hints, ReceivedMessage, RunParent, RunRecord, RunStatus } from "../index.ts";
import { toAttributes } from "../index.ts";

/** A row of a history, with the fence of the claim that wrote it. */
export interface StoredRow {
  readonly fence: number;
  readonly data: Uint8Array;
}

export interface StoredHook {
  readonly runId: string;
  readonly token: string;
  readonly operation: string;
  readonly metadata: Uint8Array | null;
}

export interface StoredStream {
  readonly chunks: Uint8Array[];
  /** How many chunks each writer has appended. */
  readonly writers: Map<string, number>;
  closed: boolean;
}

export interface StoredRun {
  readonly id: string;
  key: string | null;
  readonly workflowId: string;
  version: string;
  readonly parent: RunParent | null;
  /** Each value as its {@link attributeText}. */
  attributes: ReadonlyMap<string, string>;
  readonly input: Uint8Array;
  readonly createdAt: number;
  status: RunStatus;
  output: Uint8Array | null;
  note: string | null;
  dueAt: number | null;
  owner: string | null;
  fence: number;
  endedAt: number | null;
  successor: string | null;
  /** Takeovers in a row, and the length of the history at the last claim: see `ClaimedRun.crashes`. */
  crashes: number;
  lengthAtClaim: number;
  readonly history: StoredRow[];
  readonly hooks: Map<string, StoredHook>;
  /** The ids of all messages ever delivered to the run, each with the operation that it was for. */
  readonly delivered: Map<string, string | null>;
  readonly waiting: Map<string, ReceivedMessage>;
  readonly streams: Map<string, StoredStream>;
  /** A removed entry stays, without a value, so that its version goes on. */
  readonly state: Map<string, StoredEntry>;
  /** What the run awaits, by operation. */
  readonly awaits: Map<string, StoredAwait>;
  /** Who awaits the run, in the order in which they came. */
  readonly awaiters: Set<StoredAwait>;
}

/** An await that is not answered. */
export interface StoredAwait {
  readonly run: StoredRun;
  readonly operation: string;
  awaited: StoredRun;
}

export interface StoredEntry {
  readonly value: Uint8Array | null;
  readonly version: number;
}

export interface Store {
  readonly now: () => number;
  readonly hints: Hints;
  /** All runs, in order of creation. */
  readonly runs: Map<string, StoredRun>;
  readonly open: Set<StoredRun>;
  readonly keys: Map<string, StoredRun>;
  readonly tokens: Map<string, StoredHook>;
  /** When each worker's lease is over. */
  readonly leases: Map<string, number>;
  readonly code: Map<string, { readonly bytes: Uint8Array; readonly storedAt: number }>;
}

/** Creates an empty store. */
export function createStore(now: () => number, hints: Hints): Store {
  return {
    now,
    hints,
    runs: new Map(),
    open: new Set(),
    keys: new Map(),
    tokens: new Map(),
    leases: new Map(),
    code: new Map(),
  };
}

/** A copy of bytes that shares no memory with them, and is a plain Uint8Array also when they are a Buffer. */
export function copy(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes);
}

/** What the contract shows of a stored run. */
export function recordOf(run: StoredRun): RunRecord {
  return {
    id: run.id,
    key: run.key,
    workflowId: run.workflowId,
    version: run.version,
    parent: run.parent,
    attributes: toAttributes(run.attributes),
    status: run.status,
    input: copy(run.input),
    output: run.output === null ? null : copy(run.output),
    note: run.note,
    dueAt: run.dueAt,
    owner: run.owner,
    fence: run.fence,
    createdAt: run.createdAt,
    endedAt: run.endedAt,
    successor: run.successor,
  };
}

/** The run's unconsumed messages, in order of delivery. */
export function waitingMessages(run: StoredRun): ReceivedMessage[] {
  return [...run.waiting.values()].map((message) => ({ ...message, payload: copy(message.payload) }));
}

/** Sets when the run next needs a worker; a run with an unconsumed message never sleeps past it. */
export function setDue(run: StoredRun, dueAt: number | null, now: number): void {
  run.dueAt = run.waiting.size > 0 ? Math.min(dueAt ?? now, now) : dueAt;
}

/** What a run has beside its record and its history, as long as there is nothing of it. */
export function emptyTables(): Pick<StoredRun, "hooks" | "delivered" | "waiting" | "streams" | "state" | "awaits" | "awaiters"> {
  return {
    hooks: new Map(),
    delivered: new Map(),
    waiting: new Map(),
    streams: new Map(),
    state: new Map(),
    awaits: new Map(),
    awaiters: new Set(),
  };
}
