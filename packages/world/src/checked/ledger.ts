/**
 * What a checked World remembers.
 *
 * Everything here was acknowledged to a caller, so that it is true from then on, whatever other workers and other processes do: a
 * fence is at least this, a history at least this long. Each fact bears the tick at which it became known, and a call is checked only
 * against facts with a tick before its own start: what becomes known while it runs may have happened after it.
 */

import type { RunRecord } from "../index.ts";

/** What is known of one run. */
export interface RunFacts {
  /** When the run was first seen; Infinity: never. */
  seenAt: number;
  /** Growing fences, with the tick at which each became known. */
  readonly fences: { readonly tick: number; readonly fence: number }[];
  /** Checksums of history rows 1, 2, 3 …, with their ticks. */
  readonly rows: { readonly tick: number; readonly sum: number }[];
  /** The record of a run that is over. */
  final: { readonly tick: number; readonly run: RunRecord } | null;
  /** Who was given the run at the latest known fence, until that worker began to give it back. */
  owner: { readonly tick: number; readonly worker: string; readonly fence: number } | null;
  /** Fences that were given to a worker. */
  readonly granted: Set<number>;
  /** Message ids, with the ticks at which their delivery and consumption became known. */
  readonly delivered: Map<string, number>;
  readonly consumed: Map<string, number>;
  /** Ids of messages that commits have sent to the run, with the ticks at which they were known to have it. */
  readonly sent: Map<string, number>;
  /** What the run's operations await, and whether it was known to exist; null: not known which run that is. */
  readonly awaits: Map<string, { readonly runId: string | null; readonly existed: boolean }>;
  /** Who awaits the run. */
  readonly awaiters: { readonly runId: string; readonly operation: string }[];
  /** Versions of published state by key, growing, with checksums and ticks. A removed entry is not seen. */
  readonly state: Map<string, { readonly tick: number; readonly version: number; readonly sum: number }[]>;
  /** When the run was amended last: what calls see that began before counts for nothing. Infinity while that is under way; -1: never. */
  amendedAt: number;
  /** A commit was rejected, so that rows may be there which nobody knows of. */
  uncertain: boolean;
}

/** What is known of one stream. */
export interface StreamFacts {
  /** Ends of appends, growing, with their ticks. */
  readonly ends: { readonly tick: number; readonly end: number }[];
  readonly starts: Set<number>;
  /** How many chunks each writer was told to have appended. */
  readonly writers: Map<string, { readonly tick: number; readonly written: number }>;
  closedAt: number;
}

export interface Ledger {
  /** The tick of a call that starts now. */
  start(): number;
  /** The tick of a fact that became known now. */
  tick(): number;
  run(runId: string): RunFacts;
  /** Those of all runs that are known of, by their ids. */
  runs(): Iterable<readonly [string, RunFacts]>;
  stream(runId: string, name: string): StreamFacts;
  /** Bundles by hash. */
  readonly code: Map<string, { readonly tick: number; readonly sum: number }>;
}

/** Creates a ledger that knows nothing. */
export function createLedger(): Ledger {
  const runs = new Map<string, RunFacts>();
  const streams = new Map<string, StreamFacts>();
  let time = 0;
  return {
    start: () => time,
    tick: () => (time += 1),
    run: (runId) => entry(runs, runId, newFacts),
    runs: () => runs,
    stream: (runId, name) => entry(streams, `${runId} ${name}`, newStream),
    code: new Map(),
  };
}

function entry<T>(map: Map<string, T>, key: string, make: () => T): T {
  let found = map.get(key);
  if (found === undefined) map.set(key, (found = make()));
  return found;
}

function newStream(): StreamFacts {
  return { ends: [], starts: new Set(), writers: new Map(), closedAt: Infinity };
}

function newFacts(): RunFacts {
  return {
    seenAt: Infinity,
    fences: [],
    rows: [],
    final: null,
    owner: null,
    granted: new Set(),
    delivered: new Map(),
    consumed: new Map(),
    sent: new Map(),
    awaits: new Map(),
    awaiters: [],
    state: new Map(),
    amendedAt: -1,
    uncertain: false,
  };
}

/** The latest entry that was known at a tick; ticks grow along the list. */
export function latest<T extends { readonly tick: number }>(entries: readonly T[], at: number): T | undefined {
  return entries[countUpTo(entries, at) - 1];
}

/** How many entries were known at a tick. Counts from the end, where the answer is. */
export function countUpTo(entries: readonly { readonly tick: number }[], at: number): number {
  let count = entries.length;
  while (count > 0 && entries[count - 1]!.tick > at) count -= 1;
  return count;
}

/** FNV-1a over the bytes and their number: enough to tell rows apart, and small. */
export function checksum(bytes: Uint8Array): number {
  let hash = 0x811c9dc5 ^ bytes.length;
  for (let index = 0; index < bytes.length; index++) hash = Math.imul(hash ^ bytes[index]!, 0x01000193);
  return hash >>> 0;
}
