import type { Commit, CommitResult, HookRecord, RunPatch, StreamChunk } from "../index.ts";
import { assertBatch, attributeCountProblem, attributeText, commitProblem, storableText, WorldError } from "../index.ts";
import { addAwaits, answerAwaits } from "./awaits.ts";
import { close, dropHook } from "./end.ts";
import { deliver } from "./messages.ts";
import { createRun } from "./runs.ts";
import { copy, setDue, type Store, type StoredRun } from "./store.ts";
import { appendChunks, streamOf } from "./streams.ts";
import { inheritedMessages, succeed } from "./successor.ts";

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
  if (hasLanded(run, commit)) return committed(store, commit, conflictsOf(store, run, commit));
  if (run.owner !== commit.worker || run.fence !== commit.fence) return { status: "fenced" };
  if (run.history.length !== commit.base) return { status: "behind" };
  const closed = commit.chunks?.find(({ name, data }) => data !== null && run.streams.get(name)?.closed);
  if (closed !== undefined) return { status: "failed", error: streamClosed(run.id, closed.name) };
  const attributes = mergedAttributes(run, commit.patch);
  const tooMany = attributeCountProblem(attributes.size);
  if (tooMany !== null) return { status: "failed", error: tooMany };
  if (commit.successor !== undefined && store.runs.has(commit.successor.id)) {
    return { status: "failed", error: successorExists(commit.successor.id) };
  }
  return committed(store, commit, apply(store, run, commit, attributes));
}

/** A run of the commit that does not exist was not created, because another one had its key; keys are never free again. */
function committed(store: Store, { runId, worker, fence, runs = [], patch }: Commit, conflicts: string[]): CommitResult {
  const existing = runs.flatMap(({ id, key }) => {
    const holder = key === null || store.runs.has(id) ? undefined : store.keys.get(key);
    return holder === undefined ? [] : [{ id, runId: holder.id }];
  });
  const run = store.runs.get(runId);
  const isReleased = patch?.release === true && (run?.owner !== worker || run.fence !== fence);
  return { status: "committed", conflicts, ...(existing.length > 0 && { existing }), ...(isReleased && { released: true }) };
}

function mergedAttributes(run: StoredRun, patch: RunPatch | undefined): ReadonlyMap<string, string> {
  if (patch?.attributes === undefined) return run.attributes;
  const merged = new Map(run.attributes);
  for (const [name, value] of Object.entries(patch.attributes)) {
    if (value === null) merged.delete(name);
    else merged.set(name, attributeText(value));
  }
  return merged;
}

/** Whether this very commit was applied before: its rows are there, by its own fence; without rows, it ended the run. */
function hasLanded(run: StoredRun, { base, rows, fence, patch }: Commit): boolean {
  if (rows.length > 0) return rows.every((_, index) => run.history[base + index]?.fence === fence);
  return run.status !== "running" && run.fence === fence && run.status === patch?.status && run.history.length === base;
}

function apply(store: Store, run: StoredRun, commit: Commit, attributes: ReadonlyMap<string, string>): string[] {
  const now = store.now();
  for (const row of commit.rows) run.history.push({ fence: commit.fence, data: copy(row) });
  for (const id of commit.consumed ?? []) run.waiting.delete(id);
  const conflicts = applyHooks(store, run, commit);
  if (commit.chunks !== undefined) applyChunks(store, run, commit.chunks);
  publish(store, run, commit);
  const inherited = commit.successor === undefined ? [] : inheritedMessages(run);
  run.attributes = attributes;
  applyPatch(store, run, commit.patch ?? {}, now);
  for (const one of commit.runs ?? []) createRun(store, one, null);
  if (commit.successor !== undefined) succeed(store, run, commit.successor, inherited);
  deliver(store, commit.messages ?? []);
  answerAwaits(store, run);
  addAwaits(store, run, commit.awaits ?? []);
  if (commit.patch?.release && conflicts.length === 0) {
    run.owner = null;
    store.hints.due();
  }
  return conflicts;
}

function applyChunks({ hints }: Store, run: StoredRun, chunks: readonly StreamChunk[]): void {
  for (const { name, data } of chunks) {
    const stream = streamOf(run, name);
    if (data === null) stream.closed = true;
    else appendChunks(stream, [data]);
  }
  if (chunks.length > 0) hints.stream(run.id);
}

function publish({ hints }: Store, run: StoredRun, { state = [] }: Commit): void {
  for (const { key, value } of state) {
    const version = (run.state.get(key)?.version ?? 0) + 1;
    run.state.set(key, { value: value === null ? null : copy(value), version });
  }
  if (state.length > 0) hints.state(run.id);
}

function applyPatch(store: Store, run: StoredRun, patch: RunPatch, now: number): void {
  if (patch.output !== undefined) run.output = patch.output === null ? null : copy(patch.output);
  if (patch.note !== undefined) run.note = patch.note === null ? null : storableText(patch.note);
  if (patch.dueAt !== undefined) setDue(run, patch.dueAt, now);
  if (patch.status !== undefined && patch.status !== "running") close(store, run, patch.status, now);
}

// Releases come first: a turn may free a token and take it again. A hook that the same commit creates and disposes is never held.
function applyHooks(store: Store, run: StoredRun, { hooks = [], disposedHooks = [] }: Commit): string[] {
  for (const hook of run.hooks.values()) if (disposedHooks.includes(hook.operation)) dropHook(store, run, hook.token);
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

function streamClosed(runId: string, name: string): WorldError {
  return new WorldError("STREAM_CLOSED", `The stream "${name}" of run ${runId} is closed.`, { hint: "Append before closing it." });
}

function successorExists(runId: string): WorldError {
  return new WorldError("WORLD_INVALID_ARGUMENT", `Run ${runId} exists already and cannot become a successor.`, {
    hint: "Give each successor an id of its own.",
  });
}
