import { awaitProblem } from "./await-problem.ts";
import { attributesProblem } from "./attributes.ts";
import { messageProblem, newRunProblem } from "./arguments.ts";
import type { WorldError } from "./errors.ts";
import type { Commit, RunPatch, RunStatus } from "./records.ts";
import { invalid, isBytes, isName, isTime, NAME_RULE } from "./storable.ts";

const STATUSES: readonly RunStatus[] = ["running", "completed", "failed", "cancelled"];

/** Why a commit cannot be stored by any World (its outcome is then `failed`), or null. */
export function commitProblem(commit: Commit): WorldError | null {
  const { base, rows, patch, hooks, disposedHooks, consumed, chunks, state, messages, runs, successor, awaits } = commit;
  if (!Number.isSafeInteger(base) || base < 0) return invalid("The base of a commit", base, "a whole number");
  for (const row of rows) if (!isBytes(row)) return invalid("A history row", row, "a Uint8Array");
  if (hooks ?? disposedHooks ?? consumed ?? chunks ?? state ?? messages) {
    const problem = hooksProblem(commit) ?? outputProblem(commit);
    if (problem !== null) return problem;
  }
  if (runs ?? successor ?? awaits) {
    const problem = runsProblem(commit);
    if (problem !== null) return problem;
  }
  if (patch === undefined) return null;
  return patch.release ? (releaseProblem(rows, patch) ?? patchProblem(patch)) : patchProblem(patch);
}

function releaseProblem(rows: readonly Uint8Array[], { status = "running" }: RunPatch): WorldError | null {
  if (rows.length === 0) return invalid("A commit that gives its run back", "one without rows", "one with rows, by which a retry knows it");
  return status === "running" ? null : invalid("A commit that gives its run back", "the run's end", "one of a run that goes on");
}

function hooksProblem({ hooks = [], disposedHooks = [], consumed = [] }: Commit): WorldError | null {
  for (const hook of hooks) {
    if (!isName(hook.token)) return invalid("The token of a hook", hook.token, NAME_RULE);
    if (!isName(hook.operation)) return invalid("The operation of a hook", hook.operation, NAME_RULE);
    if (hook.metadata !== null && !isBytes(hook.metadata)) return invalid("The metadata of a hook", hook.metadata, "a Uint8Array or null");
  }
  for (const operation of disposedHooks) if (!isName(operation)) return invalid("The operation of a hook", operation, NAME_RULE);
  for (const id of consumed) if (!isName(id)) return invalid("The id of a consumed message", id, NAME_RULE);
  return null;
}

/** What a commit gives to others: chunks, state, messages. */
function outputProblem(commit: Commit): WorldError | null {
  const { chunks = [], state = [], messages = [] } = commit;
  const ended = new Set<string>();
  for (const { name, data } of chunks) {
    if (!isName(name)) return invalid("The name of a stream", name, NAME_RULE);
    if (data === null) ended.add(name);
    else if (!isBytes(data)) return invalid("A chunk of a stream", data, "a Uint8Array, or null for its end");
    else if (ended.has(name)) return invalid("A chunk of a stream", "behind its end", "in front of it");
  }
  for (const { key, value } of state) {
    if (!isName(key)) return invalid("The key of a state", key, NAME_RULE);
    if (value !== null && !isBytes(value)) return invalid("The value of a state", value, "a Uint8Array or null");
  }
  for (const message of messages) {
    const problem = messageProblem(message);
    if (problem !== null) return problem;
  }
  return chunks.length + state.length + messages.length === 0 ? null : unknowable(commit, "stream chunks, state or messages");
}

/** Why nothing is there by which a retry could know that what the commit did is done already: no row, and no end. */
function unknowable(commit: Commit, what: string): WorldError | null {
  if (commit.rows.length > 0 || ends(commit)) return null;
  return invalid(`A commit with ${what}`, "without rows", "one with at least one row, or one that ends the run");
}

function ends({ patch }: Commit): boolean {
  return patch?.status !== undefined && patch.status !== "running";
}

/** The runs that a commit starts, and those that it awaits. */
function runsProblem(commit: Commit): WorldError | null {
  const { runs = [], awaits = [] } = commit;
  for (const run of runs) {
    const problem = newRunProblem(run);
    if (problem !== null) return problem;
  }
  for (const one of awaits) {
    const problem = awaitProblem(one);
    if (problem !== null) return problem;
  }
  return (runs.length === 0 ? null : unknowable(commit, "new runs")) ?? successorProblem(commit);
}

function successorProblem(commit: Commit): WorldError | null {
  const { successor, runs = [], runId } = commit;
  if (successor === undefined) return null;
  if (!ends(commit)) return invalid("A commit with a successor", "without an end", "one with a terminal status in its patch");
  if (successor.key !== null) return invalid("The key of a successor", successor.key, "null: it takes that of the run before it");
  if (successor.parent != null) return invalid("The parent of a successor", successor.parent, "null: it has that of the run before it");
  const isTaken = successor.id === runId || runs.some(({ id }) => id === successor.id);
  return isTaken ? invalid("The id of a successor", successor.id, "of no other run") : newRunProblem(successor);
}

function patchProblem(patch: RunPatch): WorldError | null {
  if (patch.status !== undefined && !STATUSES.includes(patch.status)) return invalid("A status", patch.status, STATUSES.join(", "));
  if (patch.output != null && !isBytes(patch.output)) return invalid("An output", patch.output, "a Uint8Array or null");
  if (patch.note != null && typeof patch.note !== "string") return invalid("A note", patch.note, "text or null");
  if (!isTime(patch.dueAt ?? null)) return invalid("A due time", patch.dueAt, "whole milliseconds, or null");
  return patch.attributes === undefined ? null : attributesProblem(patch.attributes, true);
}
