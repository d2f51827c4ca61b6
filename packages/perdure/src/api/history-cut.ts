/**
 * Where a history may be cut, and what the cut means: decided from rows alone, without the workflow's code.
 *
 * Rows 1 to `keep` stay. What they ask for and do not answer is open behind the cut, and asked for anew only in the sense that nothing answers it yet: an open step gets attempts, an
 * open wait its timer. What the rows behind asked for is asked for by the code once more, if it does so again.
 */
import type { ReceivedMessage } from "@perdure/world";

import { decode } from "../codec/index.ts";
import type { Event } from "../engine/event.ts";
import type { Row } from "../engine/row.ts";
import { createWaitsFold, type OpenOperation } from "../engine/waits.ts";
import { PerdureError } from "../errors/perdure-error.ts";
import { toBytes } from "../run-input.ts";
import { doneMessage } from "../worker/messages.ts";
import { shortName } from "../worker/note.ts";

/**
 * Where a run is to go on: behind so many rows, before its failure, or before the first attempt of a step. The step is given by its name or its id, which mean its first call, or by its operation
 * as events name it (`shop/src/order.ts#charge#2`).
 */
export type CutPoint = number | "failure" | { readonly step: string };

/** What an ended run had come to. */
export interface Ending {
  readonly status: "failed" | "cancelled";
  /** Encoded; empty: none. */
  readonly output: string;
}

export interface Cut {
  readonly keep: number;
  /** What the kept rows leave open, in the order of asking. */
  readonly open: readonly OpenOperation[];
  /** The rows that are cut off. */
  readonly rest: readonly Row[];
}

const endings: ReadonlySet<string> = new Set(["completed", "failed", "cancelled", "continued"]);

/** Cuts a history behind a row. @throws INVALID_ARGUMENT, REPAIR_REFUSED */
export function cutAt(rows: readonly Row[], keep: number): Cut {
  if (!Number.isSafeInteger(keep) || keep < 0 || keep > rows.length) {
    throw new PerdureError("INVALID_ARGUMENT", `The history can be cut behind rows 0 to ${rows.length}, not ${String(keep)}.`);
  }
  const fold = createWaitsFold();
  for (const row of rows.slice(0, keep)) {
    if (isEnd(row)) throw refused(`row ${keep} lies behind the run's end, after which nothing goes on`);
    fold.add(row);
  }
  return { keep, open: fold.open(), rest: rows.slice(keep) };
}

function isEnd({ event, asks }: Row): boolean {
  return event.type === "run_abandoned" || asks.some((ask) => endings.has(ask));
}

/** How many rows lie before the first attempt of a step was over. All, where none was. @throws INVALID_ARGUMENT where the run has not called it */
export function rowsBeforeStep(rows: readonly Row[], step: string): number {
  const called = rows.flatMap(({ asks }) => asks.filter((ask) => ask.startsWith("step ")).map((ask) => ask.slice(5)));
  const idOf = (op: string): string => op.slice(0, op.lastIndexOf("#"));
  const named = called.filter((op) => op === step || idOf(op) === step || shortName(idOf(op)) === step);
  const [op] = named;
  if (op === undefined) {
    const names = [...new Set(called.map((one) => shortName(idOf(one))))];
    throw new PerdureError(
      "INVALID_ARGUMENT",
      `The run has not called a step "${step}"; it has called ${names.length === 0 ? "none" : names.join(", ")}.`,
    );
  }
  const ids = [...new Set(named.map((one) => (one === step ? step : idOf(one))))];
  if (ids.length > 1) throw new PerdureError("INVALID_ARGUMENT", `"${step}" may be ${ids.join(" or ")}: give the whole id.`);
  const first = rows.findIndex(({ event }) => "op" in event && event.op === op);
  return first < 0 ? rows.length : first;
}

/**
 * How many rows lie before the failure of a run: before the row of the error that it ended with, itself or as a cause; else before the turn that ended it. A step that failed gets all
 * of its attempts again. Of a cancelled run: the rows before the request.
 * @throws REPAIR_REFUSED where taking back the failure would take back more than that
 */
export function rowsBeforeFailure(rows: readonly Row[], { status, output }: Ending): number {
  if (status === "cancelled") {
    const request = rows.findIndex(({ event }) => event.type === "cancel_requested");
    return request < 0 ? rows.length : request;
  }
  const end = rows.findLastIndex(isEnd);
  if (end < 0) return rows.length;
  const last = rows[end] as Row;
  if (last.event.type === "run_abandoned") return beforeProgress(rows, end);
  const cause = rows.findLastIndex(({ event, payload }) => withErrors.has(event.type) && isCauseOf(payload, output));
  if (cause < 0) return end;
  const operation = (rows[cause] as Row).event as Extract<Event, { op: string }>;
  const later = rows.slice(cause, end).find(({ asks }) => asks.some((ask) => ask.startsWith("step ") || ask.startsWith("start ")));
  if (later) {
    throw refused(
      `after ${operation.op} failed (row ${cause + 1}) the workflow called others, which may have undone what came before: say which row is the last one to keep`,
    );
  }
  return beforeAttempts(rows, cause, operation.op);
}

const withErrors: ReadonlySet<Event["type"]> = new Set(["step_failed", "run_failed", "run_cancelled"]);

/** Back over the attempts of a step that lie directly before its failure, so that it has all of them again. */
function beforeAttempts(rows: readonly Row[], cause: number, op: string): number {
  let keep = cause;
  const isAttempt = ({ event }: Row): boolean =>
    (event.type === "step_retrying" || event.type === "step_progress" || event.type === "step_started") && event.op === op;
  while (keep > 0 && isAttempt(rows[keep - 1] as Row)) keep--;
  const begun = rows.slice(0, keep).findIndex(({ event }) => event.type === "step_started" && event.op === op);
  if (begun < 0) return keep;
  throw refused(
    `the only attempt of ${op} began with row ${begun + 1}, and other rows follow: to make it again keep ${begun} rows, which takes back those others too`,
  );
}

/** Reports of progress carry on the number of lost workers. */
function beforeProgress(rows: readonly Row[], end: number): number {
  let keep = end;
  while (keep > 0 && rows[keep - 1]?.event.type === "step_progress") keep--;
  return keep;
}

/** Whether an error is the one that a run ended with, or one of its causes. Both are encoded. */
function isCauseOf(payload: string, output: string): boolean {
  const wanted = textOf(decode(payload));
  let error: unknown = decode(output);
  for (let depth = 0; depth < 16 && error !== undefined; depth++) {
    if (textOf(error) === wanted) return true;
    error = error instanceof Error ? error.cause : undefined;
  }
  return false;
}

function textOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : `thrown ${typeof error}: ${String(error)}`;
}

/** What the World is to know of messages behind a cut, see `Rewind` of `@perdure/world`. */
export interface Mail {
  readonly forgotten: readonly string[];
  readonly messages: readonly Omit<ReceivedMessage, "runId">[];
}

/**
 * Messages that the rows behind the cut have taken in, and results of steps that are open at the cut, if those are to be kept. Payloads of hooks that are open at the cut come again. Of the others nothing is known any more: requests to
 * end or to wake up, replies, payloads of hooks that the cut part opened.
 */
export function mailOf({ open, rest }: Cut, keepsResults: boolean): Mail {
  const isOpen = new Set(open.map(({ op }) => op));
  const forgotten: string[] = [];
  const messages: Mail["messages"][number][] = [];
  for (const { event, payload } of rest) {
    const isDone = keepsResults && event.type === "step_completed" && isOpen.has(event.op);
    if (isDone) messages.push(doneMessage(event, payload));
    if (isDone || !("message" in event) || !event.message) continue;
    if (event.type === "hook_received" && isOpen.has(event.op)) {
      messages.push({ id: event.message, kind: kindOf(event), operation: event.op, payload: toBytes(payload) });
    } else if (!event.type.startsWith("run_")) forgotten.push(event.message);
  }
  return { forgotten, messages };
}

/** As `worker/messages.ts` reads it. */
function kindOf({ op, asked }: Extract<Event, { type: "hook_received" }>): string {
  if (op.startsWith("webhook#")) return asked ? "webhook_ask" : "webhook";
  return asked ? "ask" : "hook";
}

/** The ends of other runs that the kept rows await, each with the row behind the cut that told of it. */
export function awaitedBehind({ open, rest }: Cut): { readonly operation: string; readonly run: string; readonly told: Row | null }[] {
  const runs = open.filter(({ kind }) => kind === "run");
  return runs.map(({ op, run }) => ({
    operation: op,
    run: run ?? op,
    told: rest.find(({ event }) => endsRun.has(event.type) && "op" in event && event.op === op) ?? null,
  }));
}

const endsRun: ReadonlySet<Event["type"]> = new Set(["run_completed", "run_failed", "run_cancelled", "run_missing"]);

/** The operations by which the rows behind the cut have started runs. */
export function startedBehind({ rest }: Cut): ReadonlySet<string> {
  return new Set(rest.flatMap(({ asks }) => asks.flatMap((ask) => (ask.startsWith("start ") ? [ask.slice("start ".length)] : []))));
}

/** The streams that the workflow's own code has closed behind the cut. */
export function closedBehind({ rest }: Cut): string[] {
  return rest.flatMap(({ asks }) => asks.flatMap((ask) => (ask.startsWith("close ") ? [ask.slice("close ".length)] : [])));
}

export function refused(why: string): PerdureError {
  return new PerdureError("REPAIR_REFUSED", `The run cannot be repaired so: ${why}.`);
}
