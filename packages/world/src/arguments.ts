/**
 * The checks of arguments that every World makes alike, so that one World never accepts what another must refuse.
 *
 * Text that identifies something is 1 to 512 UTF-16 units long, well formed and free of NUL: PostgreSQL stores neither NUL nor
 * lone surrogates, and some SQLite drivers cut text at a NUL.
 */

import { WorldError } from "./errors.ts";
import type { Commit, Message, NewRun, RunStatus } from "./records.ts";

const MAX_NAME = 512;
const RUN_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
/** NUL, and (in unicode mode) surrogates that belong to no pair. */
const UNSTORABLE = /[\0\uD800-\uDFFF]/gu;
const STATUSES: readonly RunStatus[] = ["running", "completed", "failed", "cancelled"];

/** Whether the text can name something in every World: 1 to 512 characters, well formed, no NUL. */
export function isName(value: unknown): value is string {
  return typeof value === "string" && value.length > 0 && value.length <= MAX_NAME && isStorableText(value);
}

/** Makes any text storable in every World: NUL and lone surrogates become U+FFFD. */
export function storableText(text: string): string {
  return isStorableText(text) ? text : text.replace(UNSTORABLE, "\uFFFD");
}

/** Refuses runs that no World may store. @throws WORLD_INVALID_ARGUMENT */
export function assertNewRuns(runs: readonly NewRun[]): void {
  for (const run of runs) {
    if (typeof run.id !== "string" || !RUN_ID.test(run.id)) throw invalid("The id of a run", run.id, "a UUID in lower case");
    if (run.key !== null) assertName("The key of a run", run.key);
    assertName("The workflow id of a run", run.workflowId);
    assertName("The version of a run", run.version);
    if (!isBytes(run.input)) throw invalid("The input of a run", run.input, "a Uint8Array");
    if (!isTime(run.dueAt)) throw invalid("The due time of a run", run.dueAt, "whole milliseconds, or null");
  }
}

/** Refuses messages that no World may store. @throws WORLD_INVALID_ARGUMENT */
export function assertMessages(messages: readonly Message[]): void {
  for (const message of messages) {
    assertName("The id of a message", message.id);
    assertName("The kind of a message", message.kind);
    if (!isBytes(message.payload)) throw invalid("The payload of a message", message.payload, "a Uint8Array");
  }
}

/** Refuses a batch that holds two commits of one run: their order would decide, and a batch has none. @throws WORLD_INVALID_ARGUMENT */
export function assertBatch(commits: readonly Commit[]): void {
  if (commits.length < 2) return;
  const seen = new Set<string>();
  for (const { runId } of commits) {
    if (seen.has(runId)) throw invalid("The run of a commit", runId, "in a batch only once");
    seen.add(runId);
  }
}

/** Refuses a worker id or a lease that no World can keep. @throws WORLD_INVALID_ARGUMENT */
export function assertWorker(worker: string, leaseMs = 1): void {
  assertName("The id of a worker", worker);
  if (!Number.isSafeInteger(leaseMs) || leaseMs <= 0) throw invalid("A lease", leaseMs, "a positive number of whole milliseconds");
}

/** Refuses a count that is not a whole number in the range. @throws WORLD_INVALID_ARGUMENT */
export function assertCount(what: string, value: number, from: number, to: number = Number.MAX_SAFE_INTEGER): void {
  if (!Number.isSafeInteger(value) || value < from || value > to) throw invalid(what, value, `a whole number from ${from} to ${to}`);
}

/** Refuses stream names and chunks that no World may store. @throws WORLD_INVALID_ARGUMENT */
export function assertChunks(name: string, chunks: readonly Uint8Array[]): void {
  assertName("The name of a stream", name);
  for (const chunk of chunks) if (!isBytes(chunk)) throw invalid("A chunk of a stream", chunk, "a Uint8Array");
}

/** Refuses a hash or bundle that no World may store. @throws WORLD_INVALID_ARGUMENT */
export function assertCode(hash: string, bytes: Uint8Array): void {
  assertName("The hash of a bundle", hash);
  if (!isBytes(bytes)) throw invalid("A bundle", bytes, "a Uint8Array");
}

/** Why a commit cannot be stored by any World (its outcome is then `failed`), or null. */
export function commitProblem(commit: Commit): WorldError | null {
  const { base, rows, patch, hooks, disposedHooks, consumed, chunks } = commit;
  if (!isCount(base)) return invalid("The base of a commit", base, "a whole number");
  for (const row of rows) if (!isBytes(row)) return invalid("A history row", row, "a Uint8Array");
  const list = (hooks?.length ?? 0) + (chunks?.length ?? 0) + (consumed?.length ?? 0) + (disposedHooks?.length ?? 0);
  if (list > 0) {
    const problem = listProblem(commit);
    if (problem !== null) return problem;
  }
  if (patch === undefined) return null;
  if (patch.status !== undefined && !STATUSES.includes(patch.status)) return invalid("A status", patch.status, STATUSES.join(", "));
  if (patch.output != null && !isBytes(patch.output)) return invalid("An output", patch.output, "a Uint8Array or null");
  if (patch.note != null && typeof patch.note !== "string") return invalid("A note", patch.note, "text or null");
  if (!isTime(patch.dueAt ?? null)) return invalid("A due time", patch.dueAt, "whole milliseconds, or null");
  return null;
}

function listProblem({ rows, hooks = [], disposedHooks = [], consumed = [], chunks = [] }: Commit): WorldError | null {
  for (const hook of hooks) {
    if (!isName(hook.token)) return invalid("The token of a hook", hook.token, NAME_RULE);
    if (!isName(hook.operation)) return invalid("The operation of a hook", hook.operation, NAME_RULE);
    if (hook.metadata !== null && !isBytes(hook.metadata)) return invalid("The metadata of a hook", hook.metadata, "a Uint8Array or null");
  }
  for (const operation of disposedHooks) if (!isName(operation)) return invalid("The operation of a hook", operation, NAME_RULE);
  for (const id of consumed) if (!isName(id)) return invalid("The id of a consumed message", id, NAME_RULE);
  for (const { name, data } of chunks) {
    if (!isName(name)) return invalid("The name of a stream", name, NAME_RULE);
    if (!isBytes(data)) return invalid("A chunk of a stream", data, "a Uint8Array");
  }
  // Without a row there is nothing by which a retry could know that the chunks are there already.
  return chunks.length > 0 && rows.length === 0
    ? invalid("A commit with stream chunks", "no rows", "a commit with at least one row")
    : null;
}

const NAME_RULE = `1 to ${MAX_NAME} well-formed characters without NUL`;

function assertName(what: string, value: unknown): void {
  if (!isName(value)) throw invalid(what, value, NAME_RULE);
}

function isStorableText(text: string): boolean {
  return text.search(UNSTORABLE) < 0;
}

function isBytes(value: unknown): value is Uint8Array {
  return value instanceof Uint8Array || Object.prototype.toString.call(value) === "[object Uint8Array]";
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isTime(value: unknown): boolean {
  return value === null || Number.isSafeInteger(value);
}

function invalid(what: string, value: unknown, rule: string): WorldError {
  const shown = typeof value === "string" ? JSON.stringify(value.slice(0, 80)) : typeof value === "object" ? typeof value : String(value);
  return new WorldError("WORLD_INVALID_ARGUMENT", `${what} cannot be ${shown}.`, { hint: `It must be ${rule}.` });
}
