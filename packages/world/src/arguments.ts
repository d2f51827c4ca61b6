/** The checks of arguments that every World makes alike, so that one World never accepts what another must refuse. */

import { attributesProblem } from "./attributes.ts";
import type { WorldError } from "./errors.ts";
import type { Amendment, Commit, Message, NewRun, QueryRunsRequest, RunEnd, StreamAppend } from "./records.ts";
import { awaitProblem } from "./await-problem.ts";
import { invalid, isBytes, isName, isRunId, isTime, NAME_RULE } from "./storable.ts";

/** Refuses runs that no World may store. @throws WORLD_INVALID_ARGUMENT */
export function assertNewRuns(runs: readonly NewRun[]): void {
  for (const run of runs) assertNone(newRunProblem(run));
}

/** Why a run cannot be stored by any World, or null. */
export function newRunProblem(run: NewRun): WorldError | null {
  if (!isRunId(run.id)) return invalid("The id of a run", run.id, "a UUID in lower case");
  if (run.key !== null && !isName(run.key)) return invalid("The key of a run", run.key, NAME_RULE);
  if (!isName(run.workflowId)) return invalid("The workflow id of a run", run.workflowId, NAME_RULE);
  if (!isName(run.version)) return invalid("The version of a run", run.version, NAME_RULE);
  if (!isBytes(run.input)) return invalid("The input of a run", run.input, "a Uint8Array");
  if (!isTime(run.dueAt)) return invalid("The due time of a run", run.dueAt, "whole milliseconds, or null");
  return optionsProblem(run);
}

function optionsProblem({ parent = null, attributes, ifKeyExists, replaceOutput = null, history = [] }: NewRun): WorldError | null {
  if (parent !== null) {
    if (!isRunId(parent.runId)) return invalid("The parent of a run", parent.runId, "a UUID in lower case");
    if (!isName(parent.operation)) return invalid("The operation of a parent", parent.operation, NAME_RULE);
  }
  if (ifKeyExists !== undefined && ifKeyExists !== "return" && ifKeyExists !== "replace") {
    return invalid("What becomes of a key that exists", ifKeyExists, '"return" or "replace"');
  }
  if (replaceOutput !== null && !isBytes(replaceOutput)) {
    return invalid("The output of a replaced run", replaceOutput, "a Uint8Array or null");
  }
  for (const row of history) if (!isBytes(row)) return invalid("A history row", row, "a Uint8Array");
  return attributes === undefined ? null : attributesProblem(attributes, false);
}

/** Refuses a change of a run that no World can make. @throws WORLD_INVALID_ARGUMENT */
export function assertAmendment(runId: string, { version, rewind }: Amendment): void {
  if (version !== undefined) assertName("The version of a run", version);
  if (version === undefined && rewind === undefined) throw invalid("An amendment", "without a change", "one with a version or a rewind");
  if (rewind === undefined) return;
  const { length, keepRows, copy, operations, forgotten, messages, awaits } = rewind;
  assertCount("The length of a history", length, 0);
  assertCount("The rows that a run keeps", keepRows, 0, length);
  if (!isRunId(copy.id) || copy.id === runId) throw invalid("The id of a copy", copy.id, "a UUID in lower case, of no other run");
  for (const operation of operations) assertName("An open operation", operation);
  for (const id of forgotten) assertName("The id of a message", id);
  for (const { id, kind, operation, payload } of messages) {
    assertNone(messageProblem({ id, kind, payload, to: { runId } }));
    if (operation !== null) assertName("The operation of a message", operation);
  }
  for (const one of awaits) assertNone(awaitProblem(one));
}

/** Refuses an end that no World may store. @throws WORLD_INVALID_ARGUMENT */
export function assertRunEnd({ status, output, note }: RunEnd): void {
  if (status !== "cancelled" && status !== "failed") throw invalid("The end of a run", status, '"cancelled" or "failed"');
  if (output !== null && !isBytes(output)) throw invalid("An output", output, "a Uint8Array or null");
  if (note !== null && typeof note !== "string") throw invalid("A note", note, "text or null");
}

/** Refuses a query of runs that has no answer. The cursor is the World's own. @throws WORLD_INVALID_ARGUMENT */
export function assertQueryRuns({ limit, attributes }: QueryRunsRequest): void {
  if (limit !== undefined) assertCount("The limit of a page of runs", limit, 1, 1000);
  if (attributes !== undefined) assertNone(attributesProblem(attributes, false));
}

/** Refuses messages that no World may store. @throws WORLD_INVALID_ARGUMENT */
export function assertMessages(messages: readonly Message[]): void {
  for (const message of messages) assertNone(messageProblem(message));
}

/** Why a message cannot be stored by any World, or null. */
export function messageProblem({ id, to, kind, payload }: Message): WorldError | null {
  if ("key" in to) {
    if (!isName(to.key)) return invalid("The key of a message's receiver", to.key, NAME_RULE);
  } else {
    const receiver: unknown = "token" in to ? to.token : to.runId;
    if (typeof receiver !== "string") return invalid("The receiver of a message", receiver, "the id of a run, a token, or a key");
  }
  if (!isName(id)) return invalid("The id of a message", id, NAME_RULE);
  if (!isName(kind)) return invalid("The kind of a message", kind, NAME_RULE);
  return isBytes(payload) ? null : invalid("The payload of a message", payload, "a Uint8Array");
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

/** Refuses appends that no World may store. @throws WORLD_INVALID_ARGUMENT */
export function assertAppends(appends: readonly StreamAppend[]): void {
  for (const { name, chunks, writer } of appends) {
    assertName("The name of a stream", name);
    for (const chunk of chunks) if (!isBytes(chunk)) throw invalid("A chunk of a stream", chunk, "a Uint8Array");
    if (writer === undefined) continue;
    assertName("The id of a writer", writer.id);
    assertCount("The chunks that a writer appended before", writer.from, 0);
  }
}

/** Refuses a hash or bundle that no World may store. @throws WORLD_INVALID_ARGUMENT */
export function assertCode(hash: string, bytes: Uint8Array): void {
  assertName("The hash of a bundle", hash);
  if (!isBytes(bytes)) throw invalid("A bundle", bytes, "a Uint8Array");
}

function assertName(what: string, value: unknown): void {
  if (!isName(value)) throw invalid(what, value, NAME_RULE);
}

function assertNone(problem: WorldError | null): void {
  if (problem !== null) throw problem;
}
