import type { RunRecord } from "@perdure/world";

import { defaultMaxBytes } from "../codec/size.ts";
import { monotonicNow } from "../host-timers.ts";
import type { Attempt } from "./attempt.ts";
import type { Lease } from "./leases.ts";
import type { ReadyEvent } from "./ready-event.ts";
import type { ResidentRun } from "./resident-run.ts";
import type { RunInput } from "../run-input.ts";
import type { RunSignals } from "./run-signals.ts";
import type { Few } from "../few.ts";
import { none } from "../lists.ts";
import { markOf } from "./note.ts";
import type { Timer } from "./timers.ts";
import { createMachine, type Machine } from "../engine/machine.ts";

/**
 * A run in this worker's memory. Modes: *replaying* (being rebuilt from history) → *idle* ⇄ *turning* (delivering events, then committing) →
 * *dropped* (ended, evicted, fenced). *parked*: owned but stopped, because its code and its history disagree.
 * Invariant: effects (attempts, timers) belong to rows that are committed or deferred; `machine.length` rows are in the World, in the commit under way, or deferred.
 */
export interface Resident {
  readonly run: ResidentRun;
  /** That of what it asks for now: a fork has another one before, see `RunInput.reseeds`. */
  seed: string;
  /** How many bytes a value of the run may take. */
  readonly maxValueBytes: number;
  /** See {@link RunInput}. */
  readonly address: string | null;
  /** The run's place in the realm; 0 before it has one. */
  handle: number;
  readonly machine: Machine;
  /** Rows that the World has acknowledged. */
  committed: number;
  /** Rows of turns whose effects have begun and that the next commit takes along (`deferral.ts`); null: none. */
  deferred: readonly Uint8Array[] | null;
  mode: "replaying" | "idle" | "turning" | "parked" | "dropped";
  ready: readonly ReadyEvent[];
  /** Bytes of its arguments and of its history that went through this copy. */
  seenBytes: number;
  /** Characters of the payloads that are ready or in the turn under way. */
  readyLength: number;
  /** What it counts for among all residents, see `residents.ts`; 0 while it is not one of them. */
  weight: number;
  /** By which this worker has the run. */
  readonly lease: Lease;
  /** The value of `lease.lapses` when the claim was answered, or the commit began, by which this copy was last known to be the run's owner's. */
  provenIn: number;
  /** The due time and the mark of the note that the run's row holds, as far as this worker knows. */
  rowDueAt: number | null;
  rowNoteMark: number;
  /** The times that are watched for it. */
  timers: Few<Timer & { readonly op: string }>;
  /** The attempts that are queued or under way, by the operations of their steps. */
  attempting: Few<Attempt>;
  /** The signals of its code that its steps were given. */
  signals: RunSignals | null;
  /** Messages received that a claim may still show: not consumed by a commit yet, or only just. */
  messages: Set<string> | null;
  /** A step that no code of this process has. */
  missingStep: string | null;
  /** By `sinceLoaded()`. */
  idleSince: number;
  /** How often the run has lost its worker without getting on: without any row but reports of progress. */
  crashes: number;
  /** By the monotonic clock, whole. */
  readonly takenAt: number;
}

export const loadedAt = Date.now();

/** The wall clock, whole ms since this module was loaded: for 24 days small enough not to be an object of its own. (The difference of two large numbers is one until it is rounded.) */
export function sinceLoaded(): number {
  return Math.floor(Date.now() - loadedAt);
}

export function createResident(
  run: ResidentRun & Pick<RunRecord, "input" | "dueAt" | "note">,
  { seed, deadlineAt, maxValueBytes = defaultMaxBytes, address }: Omit<RunInput, "args">,
  lease: Lease,
): Resident {
  const { id, key, workflowId, version, fence, createdAt } = run;
  return {
    run: { id, key, workflowId, version, fence, createdAt },
    seed,
    maxValueBytes,
    address,
    handle: 0,
    machine: createMachine(deadlineAt),
    committed: 0,
    deferred: null,
    mode: "replaying",
    ready: none,
    seenBytes: run.input.length,
    readyLength: 0,
    weight: 0,
    lease,
    provenIn: 0,
    rowDueAt: run.dueAt,
    rowNoteMark: markOf(run.note),
    timers: null,
    attempting: null,
    signals: null,
    messages: null,
    missingStep: null,
    idleSince: sinceLoaded(),
    crashes: 0,
    takenAt: Math.floor(monotonicNow()),
  };
}
