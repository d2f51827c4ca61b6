import type { RunEnd, RunStatus } from "../index.ts";
import { assertRunEnd, storableText } from "../index.ts";
import { answerAwaits } from "./awaits.ts";
import { copy, type Store, type StoredRun } from "./store.ts";

/** {@link World.end} */
export function endRun(store: Store, runId: string, end: RunEnd): "ended" | "already" | "not_found" {
  assertRunEnd(end);
  const run = store.runs.get(runId);
  if (run === undefined) return "not_found";
  if (run.status !== "running") return "already";
  run.output = end.output === null ? null : copy(end.output);
  run.note = end.note === null ? null : storableText(end.note);
  run.fence += 1;
  close(store, run, end.status, store.now());
  answerAwaits(store, run);
  return "ended";
}

/** Gives a run its terminal status, and takes from it what only open runs have. Those who await it are still to be answered. */
export function close(store: Store, run: StoredRun, status: RunStatus, now: number): void {
  run.status = status;
  run.owner = null;
  run.dueAt = null;
  run.endedAt = now;
  run.waiting.clear();
  for (const token of run.hooks.keys()) dropHook(store, run, token);
  for (const pending of run.awaits.values()) pending.awaited.awaiters.delete(pending);
  run.awaits.clear();
  store.open.delete(run);
  store.hints.ended(run.id);
}

/** Frees a token that the run holds. */
export function dropHook(store: Store, run: StoredRun, token: string): void {
  run.hooks.delete(token);
  store.tokens.delete(token);
}
