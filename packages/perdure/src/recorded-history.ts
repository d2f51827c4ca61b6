/**
 * A run's history as a document of its own, in JSON. What may be added to the form and what not is said in docs/decisions/0020-deploys.md; files of form 1 are read for ever.
 */
import type { RunRecord, RunStatus } from "@perdure/world";

import type { AskDetails, Event } from "./engine/event.ts";
import { decodeRow, encodeRow, type Row } from "./engine/row.ts";
import { PerdureError } from "./errors/perdure-error.ts";
import type { WorkflowBundle } from "./registry.ts";
import { toBytes, toText } from "./run-input.ts";
import { hashOf } from "./sandbox/bundle-text.ts";

/** A run with its history, as `exportHistory()` and `perdure export-history` give it. Times are ms since the epoch. It is plain JSON and holds all data of the run. */
export interface RecordedHistory {
  /** The number of the form. */
  readonly perdure: 1;
  /** The World's id of the run, a UUID. */
  readonly id: string;
  /** The id that its start was given, or null. */
  readonly key: string | null;
  readonly workflowId: string;
  /** The hash of the workflow's code. */
  readonly version: string;
  readonly status: RunStatus;
  readonly createdAt: number;
  /** Whether it lives in a World of several servers, where ids and tokens name a place. */
  readonly placed: boolean;
  readonly input: RecordedInput;
  readonly rows: readonly RecordedRow[];
  /** The result or the error with which the run ended, as the codec wrote it; null while it is open, and where it went on in another run. */
  readonly output: string | null;
  /** The code with which the run was at that time; null: it was left out, or is lost. */
  readonly bundle: RecordedBundle | null;
}

/** What a run was started with. */
export interface RecordedInput {
  /** From which its chance, tokens and the ids of its children follow: 32 hexadecimal digits. */
  readonly seed: string;
  /** What else was said at its start. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** As the codec wrote them. */
  readonly args: string;
}

/** A row of a history: an event and what the workflow asked for on it. */
export interface RecordedRow {
  readonly event: { readonly type: string; readonly at: number };
  readonly asks: readonly string[];
  /** Of some asks, for whoever looks at the run. */
  readonly details?: Readonly<Record<string, number | string>>;
  /** What the event brought, as the codec wrote it; empty: nothing. */
  readonly payload: string;
}

/** A workflow's code. */
export interface RecordedBundle {
  readonly code: string;
  /** Its source map, JSON; empty if it is damaged. */
  readonly map: string;
}

const form = 1;

/** What a World has of a run, as a document. @param data the rows as the World stores them */
export function recordHistory(
  run: RunRecord,
  rows: readonly { readonly data: Uint8Array }[],
  { placed, bundle }: { readonly placed: boolean; readonly bundle: RecordedBundle | null },
): RecordedHistory {
  const { id, key, workflowId, version, status, createdAt, input, output } = run;
  return {
    perdure: form,
    id,
    key,
    workflowId,
    version,
    status,
    createdAt,
    placed,
    input: recordInput(toText(input)),
    rows: rows.map(({ data }) => recordRow(decodeRow(toText(data)))),
    output: output === null ? null : toText(output),
    bundle,
  };
}

const seedLength = 32;

function recordInput(text: string): RecordedInput {
  const end = text.indexOf("\n");
  const settings = (end > seedLength ? JSON.parse(text.slice(seedLength, end)) : {}) as RecordedInput["settings"];
  return { seed: text.slice(0, seedLength), settings, args: text.slice(end + 1) };
}

const recordRow = ({ event, asks, details, payload }: Row): RecordedRow => ({ event, asks, ...(details && { details }), payload });

/** A document that was read, as a World would have it. */
export interface ReadHistory {
  readonly run: RunRecord;
  readonly rows: readonly Row[];
  readonly placed: boolean;
  readonly bundle: WorkflowBundle | null;
}

/** @param history anything @param from what messages call it @throws HISTORY_UNREADABLE */
export function readHistory(history: unknown, from: string): ReadHistory {
  const {
    perdure: number,
    id,
    key,
    workflowId,
    version,
    status,
    createdAt,
    placed,
    input,
    rows,
    output,
    bundle,
  } = isObject(history) ? history : {};
  if (typeof number !== "number") throw unreadable(from, 'it is not a recorded history: "perdure", the number of its form, is missing');
  if (number !== form) throw unreadable(from, `its form has the number ${number}, and this release reads ${form}`);
  const member = (name: string, is: boolean): void => {
    if (!is) throw unreadable(from, `"${name}" is missing, or something else than it must be`);
  };
  for (const [name, value] of Object.entries({ id, workflowId, version })) member(name, typeof value === "string" && value !== "");
  member("key", key === null || typeof key === "string");
  member("status", typeof status === "string" && Object.hasOwn(statuses, status));
  member("createdAt", Number.isFinite(createdAt));
  member("placed", typeof placed === "boolean");
  member(
    "input",
    isObject(input) && /^[\da-f]{32}$/.test(String(input["seed"])) && isObject(input["settings"]) && typeof input["args"] === "string",
  );
  member("rows", Array.isArray(rows));
  member("output", output === null || typeof output === "string");
  member("bundle", bundle === null || (isObject(bundle) && typeof bundle["code"] === "string" && typeof bundle["map"] === "string"));
  const read = history as RecordedHistory;
  return {
    run: runOf(read),
    rows: read.rows.map((row: unknown, index) => readRow(row, index, from)),
    placed: read.placed,
    bundle: read.bundle && bundleOf(read, read.bundle, from),
  };
}

const statuses = { running: 1, completed: 1, failed: 1, cancelled: 1 } satisfies Record<RunStatus, 1>;

/** What this release replays. */
const types = {
  run_started: 1,
  step_started: 1,
  step_progress: 1,
  step_completed: 1,
  step_failed: 1,
  step_retrying: 1,
  wait_completed: 1,
  wake_requested: 1,
  hook_received: 1,
  reply_given: 1,
  request_refused: 1,
  hook_conflict: 1,
  run_completed: 1,
  run_failed: 1,
  run_cancelled: 1,
  run_missing: 1,
  run_accepted: 1,
  cancel_requested: 1,
  run_abandoned: 1,
} satisfies Record<Event["type"], 1>;

function readRow(row: unknown, index: number, from: string): Row {
  const { event, asks, details, payload } = isObject(row) ? row : {};
  const isRow =
    isObject(event) &&
    Number.isFinite(event["at"]) &&
    Array.isArray(asks) &&
    asks.every((ask) => typeof ask === "string") &&
    (details === undefined || isObject(details)) &&
    typeof payload === "string";
  if (!isRow) throw unreadable(from, `"rows"[${index}] is not a row`);
  const { type } = event;
  if (!Object.hasOwn(types, String(type)))
    throw unreadable(from, `"rows"[${index}] is an event of the type ${JSON.stringify(type)}, which this release does not know`);
  // (By way of the stored form: what reads that is what a replay has always been given.)
  return decodeRow(encodeRow({ event: event as unknown as Event, asks, details: details as AskDetails | undefined, payload }));
}

function runOf({ id, key, workflowId, version, status, createdAt, input, output }: RecordedHistory): RunRecord {
  const settings = JSON.stringify(input.settings);
  return {
    id,
    key,
    workflowId,
    version,
    status,
    createdAt,
    input: toBytes(`${input.seed}${settings === "{}" ? "" : settings}\n${input.args}`),
    output: output === null ? null : toBytes(output),
    parent: null,
    attributes: {},
    note: null,
    dueAt: null,
    owner: null,
    fence: 0,
    endedAt: null,
    successor: null,
  };
}

/** Code that was altered would be compared with as if the run had had it. */
function bundleOf({ version }: RecordedHistory, { code, map }: RecordedBundle, from: string): WorkflowBundle {
  if (hashOf(code) !== version) throw unreadable(from, `its code was altered: it does not have the hash ${version}`);
  return { version, code, map };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function unreadable(from: string, why: string, cause?: unknown): PerdureError {
  return new PerdureError("HISTORY_UNREADABLE", `${from} cannot be read: ${why}.`, cause === undefined ? {} : { cause });
}
