/** One commit, step by step, in a transaction that holds the lock on its run. */

import type { Commit, CommitResult, NewRun, RunPatch } from "@perdure/world";
import { storableText, WorldError } from "@perdure/world";
import { bytesArray } from "../database/arrays.ts";
import type { Transaction } from "../database/database.ts";
import { mergeProblem, setAttributes } from "./attributes.ts";
import type { Away, WithAway } from "./away.ts";
import { addAwaits, answerAwaits, forgetAwaits } from "./awaits.ts";
import { releaseAll } from "./end.ts";
import { applyHooks, isHeld } from "./hooks.ts";
import { holderOfKey, reservationLost, useReservation } from "./reservations.ts";
import { post } from "./messages.ts";
import { statusNumber, statusOf, workerId } from "./records.ts";
import { createRun } from "./runs.ts";
import { publish } from "./state.ts";
import { applyChunks, isClosed, streamClosed } from "./streams.ts";
import { inheritedMessages, succeed } from "./successor.ts";

/** What commits did to others than their runs. */
export interface Effects {
  wakes: boolean;
  readonly replaced: string[];
}

const STANDING = `
  SELECT owner, fence, status, awaited, (SELECT coalesce(max(seq), 0) FROM @history WHERE run_id = $1),
    (SELECT count(*) FROM @history WHERE run_id = $1 AND seq > $2 AND seq <= $3 AND fence = $4)
  FROM @runs WHERE id = $1 FOR NO KEY UPDATE`;
const APPEND = `
  INSERT INTO @history (run_id, seq, fence, data)
  SELECT $1, $2 + i.place, $3, i.data FROM unnest($4::bytea[]) WITH ORDINALITY AS i(data, place)`;
const CONSUME = "UPDATE @messages SET payload = NULL WHERE run_id = $1 AND message = ANY($2::text[]) AND payload IS NOT NULL";
const EXISTS = "SELECT 1 FROM @runs WHERE id = $1";

const PATCH = `
  UPDATE @runs SET
    mail = mail - $2,
    due_at = CASE WHEN NOT $3 THEN due_at WHEN mail > $2 THEN least(coalesce($4, @now), @now) ELSE $4 END,
    note = CASE WHEN $5 THEN $6 ELSE note END,
    output = CASE WHEN $7 THEN $8 ELSE output END,
    owner = CASE WHEN $9 THEN NULL ELSE owner END
  WHERE id = $1`;
const END = `
  UPDATE @runs SET status = $2, ended_at = @now, owner = NULL, due_at = NULL, mail = 0,
    note = CASE WHEN $3 THEN $4 ELSE note END,
    output = CASE WHEN $5 THEN $6 ELSE output END
  WHERE id = $1`;

const FENCED: CommitResult = { status: "fenced" };
const BEHIND: CommitResult = { status: "behind" };

/** Writes a commit, or says why not. */
export async function commitOne(transaction: Transaction, commit: Commit, effects: Effects): Promise<CommitResult> {
  const refusal = await examine(transaction, commit);
  if (refusal !== null) return refusal;
  const error = await conflictWithStore(transaction, commit);
  if (error !== null) return { status: "failed", error };
  const { runId, fence, base, rows } = commit;
  if (rows.length > 0) await transaction.run(APPEND, [runId, base, fence, bytesArray(rows)]);
  const conflicts = await applyRest(transaction, commit, effects);
  return committed(transaction, commit, conflicts, commit.patch?.release === true && conflicts.length === 0);
}

/** Why the commit is not to be applied (it landed before; or it is fenced or behind), or null when it is. */
async function examine(transaction: Transaction, commit: Commit): Promise<CommitResult | null> {
  const { runId, worker, fence, base, rows, patch } = commit;
  const [row] = await transaction.all(STANDING, [runId, base, base + rows.length, fence]);
  if (row === undefined) return FENCED;
  const [owner, runFence, status, , length, own] = row as unknown as readonly [number | null, number, number, boolean, number, number];
  const isOpen = statusOf(status) === "running";
  const landed =
    rows.length > 0 ? own === rows.length : !isOpen && statusOf(status) === patch?.status && runFence === fence && length === base;
  const isOwner = owner === workerId(worker) && runFence === fence;
  if (landed)
    return committed(transaction, commit, isOpen ? await lostHooks(transaction, commit) : [], patch?.release === true && !isOwner);
  if (!isOwner) return FENCED;
  return length === base ? null : BEHIND;
}

/**
 * The conflicts of a commit that landed before. What it reserved it still holds, for only the owner disposes hooks and an owner has
 * one commit in flight: a hook that is not held was a conflict, also when its token has become free since.
 */
async function lostHooks(transaction: Transaction, { runId, hooks = [], disposedHooks = [] }: Commit): Promise<string[]> {
  const lost: string[] = [];
  for (const hook of hooks) {
    if (!disposedHooks.includes(hook.operation) && !(await isHeld(transaction, runId, hook))) lost.push(hook.operation);
  }
  return lost;
}

/** Why what is stored of the run rules a commit out that its owner may make, or null. */
async function conflictWithStore(transaction: Transaction, commit: Commit): Promise<WorldError | null> {
  const { runId, chunks = [], patch, successor, away } = commit as Commit & WithAway;
  for (const name of new Set(chunks.filter(({ data }) => data !== null).map(({ name }) => name))) {
    if (await isClosed(transaction, runId, name)) return streamClosed(runId, name);
  }
  if (successor !== undefined && (await transaction.all(EXISTS, [successor.id])).length > 0) return successorExists(successor.id);
  if (away !== undefined && !(await useReservations(transaction, away))) return reservationLost();
  return patch?.attributes === undefined ? null : mergeProblem(transaction, runId, patch.attributes);
}

async function applyRest(transaction: Transaction, commit: Commit, effects: Effects): Promise<string[]> {
  const { runId, consumed = [], chunks, state, patch, messages, successor } = commit;
  const conflicts = await applyHooks(transaction, commit);
  if (chunks !== undefined) await applyChunks(transaction, runId, chunks);
  const read = consumed.length === 0 ? 0 : await transaction.run(CONSUME, [runId, consumed]);
  if (state !== undefined) await publish(transaction, runId, state);
  const inherited = successor === undefined ? [] : await inheritedMessages(transaction, runId);
  const isReleased = patch?.release === true && conflicts.length === 0;
  if (patch !== undefined || read > 0) await applyPatch(transaction, runId, patch ?? {}, { read, isReleased });
  if (isReleased) effects.wakes = true;
  if (isEnd(patch)) await forgetAwaits(transaction, runId);
  const { away } = commit as WithAway;
  for (const run of commit.runs ?? []) await startRun(transaction, run, effects, away);
  if (successor !== undefined) {
    await succeed(transaction, runId, successor, inherited);
    effects.wakes = true;
  }
  if (messages !== undefined) await post(transaction, messages);
  if (isEnd(patch) && (await answerAwaits(transaction, runId))) effects.wakes = true;
  if (commit.awaits !== undefined && (await addAwaits(transaction, runId, commit.awaits, away))) effects.wakes = true;
  return conflicts;
}

function isEnd(patch: RunPatch | undefined): boolean {
  return patch?.status !== undefined && patch.status !== "running";
}

async function startRun(transaction: Transaction, run: NewRun, effects: Effects, away: Away | undefined): Promise<void> {
  const { created, replaced } = await createRun(transaction, run, null, away);
  if (created) effects.wakes = true;
  if (replaced !== null) effects.replaced.push(replaced);
}

interface PatchTerms {
  /** How many messages the commit has taken. */
  readonly read: number;
  readonly isReleased: boolean;
}

async function applyPatch(transaction: Transaction, run: string, patch: RunPatch, { read, isReleased }: PatchTerms): Promise<void> {
  const note = patch.note == null ? null : storableText(patch.note);
  const shown = [patch.note !== undefined, note, patch.output !== undefined, patch.output ?? null];
  if (isEnd(patch)) {
    await transaction.run(END, [run, statusNumber(patch.status!), ...shown]);
    await releaseAll(transaction, run);
  } else {
    await transaction.run(PATCH, [run, read, patch.dueAt !== undefined, patch.dueAt ?? null, ...shown, isReleased]);
  }
  if (patch.attributes !== undefined) await setAttributes(transaction, run, patch.attributes);
}

async function committed(
  transaction: Transaction,
  { runs = [], away }: Commit & WithAway,
  conflicts: string[],
  isReleased: boolean,
): Promise<CommitResult> {
  const existing = await existingRuns(transaction, runs, away);
  return { status: "committed", conflicts, ...(existing.length > 0 && { existing }), ...(isReleased && { released: true }) };
}

/** Who has the keys of runs that a commit has started and that do not exist: they were not created, because another one had the key; keys are never free again. */
export async function existingRuns(
  transaction: Transaction,
  runs: readonly NewRun[],
  away?: Away,
): Promise<{ id: string; runId: string }[]> {
  const existing: { id: string; runId: string }[] = [];
  for (const { id, key } of runs) {
    if (key === null || (await transaction.all(EXISTS, [id])).length > 0) continue;
    const holder = await holderOfKey(transaction, key, away);
    if (holder !== null) existing.push({ id, runId: holder });
  }
  return existing;
}

/** One that is used and then not needed is given back by the router, or found by whoever wants the name. */
async function useReservations(transaction: Transaction, { keys, tokens }: Away): Promise<boolean> {
  for (const state of tokens.values()) if (state.is === "reserved" && !(await useReservation(transaction, state.reservation))) return false;
  for (const holder of keys.values()) {
    if (holder?.reservation != null && !(await useReservation(transaction, holder.reservation))) return false;
  }
  return true;
}

function successorExists(runId: string): WorldError {
  return new WorldError("WORLD_INVALID_ARGUMENT", `Run ${runId} exists already and cannot become a successor.`, {
    hint: "Give each successor an id of its own.",
  });
}
