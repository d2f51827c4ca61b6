import type { Commit, StreamChunk } from "@perdure/world";

import { decode } from "../codec/index.ts";
import { detailsOf, isDelivered, isTimed, namesOfAsks, requestOf, withTime, type Ask, type Event } from "../engine/event.ts";
import { advance } from "../engine/machine.ts";
import { each, find } from "../few.ts";
import { takeReplies, type ReplyWrite } from "../engine/requests.ts";
import { encodeRow } from "../engine/row.ts";
import { append, concat, none } from "../lists.ts";
import { monotonicNow } from "../host-timers.ts";
import { toBytes } from "../run-input.ts";
import type { RealmDelivery } from "../sandbox/realm.ts";
import { chunkOfText } from "../streams/chunk.ts";
import { readAsks, readLogs, type LogLine } from "./asks.ts";
import type { ReadyEvent } from "./ready-event.ts";
import type { Resident } from "./resident.ts";
import { commitOf, withDeferred } from "./turn-commit.ts";

/** One event on its way through the realm; `delivery` is null for those that workflow code is not told of. */
export interface TurnStep {
  readonly event: Event;
  readonly payload: string;
  readonly delivery: RealmDelivery | null;
  readonly chunks: readonly StreamChunk[] | undefined;
}

/** All events of one run that were ready together, delivered one after another, committed as one. */
export interface Turn {
  readonly resident: Resident;
  readonly steps: readonly TurnStep[];
  /** It is the first of a run whose record says when it began, and no more. */
  readonly isBeginning: boolean;
}

/** Takes what is ready for a run. Its events happen at `now`, or at the run's own clock where that is ahead (the host's went back). */
export function openTurn(resident: Resident, now: number): Turn {
  const at = Math.max(resident.machine.now, now);
  const { ready } = resident;
  const isBeginning = ready.length === 1 && isTimed(ready[0]!.event);
  let steps: readonly TurnStep[] = none;
  for (const one of ready) {
    steps = append(steps, stepOf(resident, one, at));
    if (one.event.type !== "wake_requested") continue;
    for (const op of sleepsToEnd(resident, one.payload))
      steps = append(steps, stepOf(resident, { event: { type: "wait_completed", op }, payload: "" }, at));
  }
  resident.ready = none;
  resident.mode = "turning";
  return { resident, steps, isBeginning };
}

function stepOf(resident: Resident, { event, payload, chunks }: ReadyEvent, at: number): TurnStep {
  if (resident.crashes > 0) countCrashes(resident, event);
  const timed = isTimed(event) ? event : withTime(event, at);
  const delivery = isDelivered(timed) ? { handle: resident.handle, event: timed, payload, out: null, error: null } : null;
  return { event: timed, payload, delivery, chunks };
}

/** So long after it was taken over a run that reports progress does not count as one that ends its workers. */
const crashLoopMs = 60_000;

/** A run that loses its worker again and again gets on by any event but a report of progress, which a step may make before it ends the process. */
function countCrashes(resident: Resident, event: ReadyEvent["event"]): void {
  if (event.type === "step_progress" && monotonicNow() - resident.takenAt < crashLoopMs)
    Object.assign(event, { crashes: resident.crashes });
  else resident.crashes = 0;
}

/** The pending sleeps that a request to wake up means. */
function sleepsToEnd({ machine }: Resident, payload: string): string[] {
  let named: unknown;
  try {
    named = decode(payload);
  } catch {
    return []; // nobody's who asked through the API: it names none
  }
  const pending = [...each(machine.pending)].filter(({ kind, op }) => kind === "wait" && op.startsWith("sleep#"));
  return pending.map(({ op }) => op).filter((op) => named === undefined || op === named);
}

/** What a turn amounts to: the commit, and what to do once it is acknowledged. */
export interface ClosedTurn {
  readonly resident: Resident;
  readonly commit: Commit;
  readonly asks: readonly Ask[];
  /** Operations of steps whose next attempt is due or has leave to begin. */
  readonly attempts: readonly string[];
  readonly logs: readonly LogLine[];
  /** See {@link Turn}. */
  readonly isBeginning: boolean;
  /** How often a part of the World that it needs did not answer. */
  failures: number;
}

/** A turn in which nothing happened. Its commit tells whose the run is, and writes what was deferred. */
export function emptyTurn(resident: Resident, worker: string): ClosedTurn {
  const { run, committed } = resident;
  resident.mode = "turning";
  const commit = { runId: run.id, fence: run.fence, worker, base: committed, rows: withDeferred(resident, []) };
  return { resident, commit, asks: [], attempts: [], logs: [], isBeginning: false, failures: 0 };
}

/** Folds a delivered turn into the run's state. @throws what the realm threw at a delivery, or Divergence */
export function closeTurn({ resident, steps, isBeginning }: Turn, worker: string): ClosedTurn {
  const { machine } = resident;
  let rows: readonly Uint8Array[] = none;
  let asks: readonly Ask[] = none;
  let logs: readonly LogLine[] = none;
  let attempts: readonly string[] = none;
  let consumed: readonly string[] = none;
  let replies: readonly ReplyWrite[] = none;
  let written: readonly StreamChunk[] = none;
  for (const { event: told, payload, delivery, chunks } of steps) {
    if (delivery?.error) throw delivery.error;
    // What comes after the end is not consumed: a request to end is for the run in which this one goes on.
    if (machine.outcome) continue;
    if ("message" in told && told.message) consumed = append(consumed, told.message);
    const event = isExpected(resident, told) ? told : refusalOf(told);
    if (!event) continue;
    const out = delivery?.out ?? null;
    const asked = readAsks(out);
    logs = concat(logs, readLogs(out));
    advance(machine, event, asked, payload);
    if (chunks) written = concat(written, chunks);
    for (const ask of asked) if (ask.kind === "chunk") written = append(written, chunkOf(ask));
    const row = encodeRow({ event, asks: namesOfAsks(asked), details: detailsOf(asked), payload: isKept(event) ? payload : "" });
    rows = append(rows, toBytes(row));
    asks = concat(asks, asked);
    if (machine.requests) replies = concat(replies, takeReplies(machine.requests));
    if (event.type === "step_retrying" || event.type === "step_started") attempts = append(attempts, event.op);
  }
  const commit = commitOf(resident, worker, { rows, asks, consumed, replies });
  if (written.length > 0) Object.assign(commit, { chunks: written });
  return { resident, commit, asks, attempts, logs, isBeginning, failures: 0 };
}

function chunkOf({ stream, data }: Extract<Ask, { kind: "chunk" }>): StreamChunk {
  return { name: stream, data: data === null ? null : chunkOfText(data) };
}

/** Not the arguments of a run, which are in its record already, nor a reply, which is published, nor what nobody will read. */
function isKept({ type }: Event): boolean {
  return type !== "run_started" && type !== "reply_given" && type !== "request_refused";
}

/** An operation may have been given up, by an earlier event of the same turn, before its answer's turn came: the answer says nothing then. */
function isExpected({ machine }: Resident, event: Event): boolean {
  return !("op" in event) || find(machine.pending, event.op) !== undefined;
}

/** A payload for a hook that is gone is dropped; a sender who waits for a reply is told. */
function refusalOf(event: Event): Event | null {
  const message = requestOf(event);
  return message === "" ? null : { type: "request_refused", at: event.at, message };
}
