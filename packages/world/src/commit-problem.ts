import { attributesProblem } from "./attributes.ts";
import { messageProblem } from "./arguments.ts";
import type { WorldError } from "./errors.ts";
import type { Commit, RunPatch, RunStatus } from "./records.ts";
import { invalid, isBytes, isName, isTime, NAME_RULE } from "./storable.ts";

const STATUSES: readonly RunStatus[] = ["running", "completed", "failed", "cancelled"];

/** Why a commit cannot be stored by any World (its outcome is then `failed`), or null. */
export function commitProblem(commit: Commit): WorldError | null {
  const { base, rows, patch, hooks, disposedHooks, consumed, chunks, state, messages } = commit;
  if (!Number.isSafeInteger(base) || base < 0) return invalid("The base of a commit", base, "a whole number");
  for (const row of rows) if (!isBytes(row)) return invalid("A history row", row, "a Uint8Array");
  if (hooks ?? disposedHooks ?? consumed ?? chunks ?? state ?? messages) {
    const problem = hooksProblem(commit) ?? outputProblem(commit);
    if (problem !== null) return problem;
  }
  return patch === undefined ? null : patchProblem(patch);
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
function outputProblem({ rows, patch, chunks = [], state = [], messages = [] }: Commit): WorldError | null {
  for (const { name, data } of chunks) {
    if (!isName(name)) return invalid("The name of a stream", name, NAME_RULE);
    if (!isBytes(data)) return invalid("A chunk of a stream", data, "a Uint8Array");
  }
  for (const { key, value } of state) {
    if (!isName(key)) return invalid("The key of a state", key, NAME_RULE);
    if (value !== null && !isBytes(value)) return invalid("The value of a state", value, "a Uint8Array or null");
  }
  for (const message of messages) {
    const problem = messageProblem(message);
    if (problem !== null) return problem;
  }
  if (rows.length > 0 || chunks.length + state.length + messages.length === 0) return null;
  // Without a row or an end there is nothing by which a retry could know that they are there already.
  const ends = patch?.status !== undefined && patch.status !== "running";
  return ends
    ? null
    : invalid("A commit with stream chunks, state or messages", "no rows", "a commit with at least one row, or one that ends the run");
}

function patchProblem(patch: RunPatch): WorldError | null {
  if (patch.status !== undefined && !STATUSES.includes(patch.status)) return invalid("A status", patch.status, STATUSES.join(", "));
  if (patch.output != null && !isBytes(patch.output)) return invalid("An output", patch.output, "a Uint8Array or null");
  if (patch.note != null && typeof patch.note !== "string") return invalid("A note", patch.note, "text or null");
  if (!isTime(patch.dueAt ?? null)) return invalid("A due time", patch.dueAt, "whole milliseconds, or null");
  return patch.attributes === undefined ? null : attributesProblem(patch.attributes, true);
}
