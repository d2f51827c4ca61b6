import type { Commit, CommitResult, HookRecord } from "../index.ts";
import { assertBatch, commitProblem, storableText, WorldError } from "../index.ts";
import { copy, setDue, type Store, type StoredRun } from "./store.ts";
import { appendChunks, streamOf } from "./streams.ts";

/** {@link World.commit} */
export function commit(store: Store, commits: readonly Commit[]): CommitResult[] {
  assertBatch(commits);
  return commits.map((one) => commitOne(store, one));
}

// All checks come before the first write, so that a commit is applied whole or not at all.
function commitOne(store: Store, commit: Commit): CommitResult {
  const problem = commitProblem(commit);
  if (problem !== null) return { status: "failed", error: problem };
  const run = store.runs.get(commit.runId);
  if (run === undefined) return { status: "fenced" };
  if (hasLanded(run, commit)) return { status: "committed", conflicts: conflictsOf(store, run, commit) };
  if (run.owner !== commit.worker || run.fence !== commit.fence) return { status: "fenced" };
  if (run.history.length !== commit.base) return { status: "behind" };
  const closed = commit.chunks?.find(({ name }) => run.streams.get(name)?.closed);
  if (closed !== undefined) return { status: "failed", error: streamClosed(run.id, closed.name) };
  return { status: "committed", conflicts: apply(store, run, commit) };
}

/** Whether this very commit was applied before: its rows are there, by its own fence; without rows, it ended the run. */
function hasLanded(run: StoredRun, { base, rows, fence, patch }: Commit): boolean {
  if (rows.length > 0) return rows.every((_, index) => run.history[base + index]?.fence === fence);
  return run.status !== "running" && run.fence === fence && run.status === patch?.status && run.history.length === base;
}

function apply(store: Store, run: StoredRun, commit: Commit): string[] {
  const now = store.now();
  for (const row of commit.rows) run.history.push({ fence: commit.fence, data: copy(row) });
  for (const id of commit.consumed ?? []) run.waiting.delete(id);
  const conflicts = applyHooks(store, run, commit);
  for (const { name, data } of commit.chunks ?? []) appendChunks(streamOf(run, name), [data]);
  const patch = commit.patch ?? {};
  if (patch.output !== undefined) run.output = patch.output === null ? null : copy(patch.output);
  if (patch.note !== undefined) run.note = patch.note === null ? null : storableText(patch.note);
  if (patch.dueAt !== undefined) setDue(run, patch.dueAt, now);
  if (patch.status !== undefined && patch.status !== "running") {
    run.status = patch.status;
    end(store, run, now);
  }
  return conflicts;
}

// Releases come first: a turn may free a token and take it again. A hook that the same commit creates and disposes is never held.
function applyHooks(store: Store, run: StoredRun, { hooks = [], disposedHooks = [] }: Commit): string[] {
  for (const hook of run.hooks.values()) if (disposedHooks.includes(hook.operation)) drop(store, run, hook.token);
  const conflicts: string[] = [];
  for (const hook of hooks) {
    const holder = store.tokens.get(hook.token);
    if (holder !== undefined && !isHeldBy(holder, run.id, hook)) conflicts.push(hook.operation);
    else if (!disposedHooks.includes(hook.operation)) reserve(store, run, hook);
  }
  return conflicts;
}

function reserve(store: Store, run: StoredRun, { token, operation, metadata }: HookRecord): void {
  const hook = { runId: run.id, token, operation, metadata: metadata === null ? null : copy(metadata) };
  run.hooks.set(token, hook);
  store.tokens.set(token, hook);
}

function drop(store: Store, run: StoredRun, token: string): void {
  run.hooks.delete(token);
  store.tokens.delete(token);
}

/**
 * The conflicts of a commit that landed before. What it reserved it still holds, for only the owner disposes hooks and an owner has
 * one commit in flight: a hook that is not held was a conflict, also when its token has become free since.
 */
function conflictsOf(store: Store, run: StoredRun, { hooks = [], disposedHooks = [] }: Commit): string[] {
  if (run.status !== "running") return [];
  const lost = hooks.filter((hook) => {
    const holder = store.tokens.get(hook.token);
    return !disposedHooks.includes(hook.operation) && (holder === undefined || !isHeldBy(holder, run.id, hook));
  });
  return lost.map(({ operation }) => operation);
}

function isHeldBy(holder: { runId: string; operation: string }, runId: string, hook: HookRecord): boolean {
  return holder.runId === runId && holder.operation === hook.operation;
}

function end(store: Store, run: StoredRun, now: number): void {
  run.owner = null;
  run.dueAt = null;
  run.endedAt = now;
  run.waiting.clear();
  for (const token of run.hooks.keys()) drop(store, run, token);
  store.open.delete(run);
  store.hints.ended(run.id);
}

function streamClosed(runId: string, name: string): WorldError {
  return new WorldError("STREAM_CLOSED", `The stream "${name}" of run ${runId} is closed.`, { hint: "Append before closing it." });
}
