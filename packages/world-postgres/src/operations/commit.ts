/**
 * The engine's write path.
 *
 * A batch is two parts: the usual commits, which are one statement (`append.ts`), and the others, in one transaction, after all runs that they are known to touch were locked in the
 * order of their ids: in their order, most of them together in a few statements (`commit-together.ts`), the rest each step by step (`commit-one.ts`). What the statement of the first part or of the second did not write goes the
 * next way, which finds out why. A part that fails for a reason of its data is done again commit by commit, so that one bad value hurts one run.
 *
 * Both parts may be tried again after a lost connection: a commit knows its own rows.
 */

import type { Commit, CommitResult } from "@perdure/world";
import { commitProblem, WorldError } from "@perdure/world";
import { plainArray } from "../database/arrays.ts";
import type { Database, Transaction } from "../database/database.ts";
import { COMMITTED, isUsual, usualBatch, type Written } from "./append.ts";
import { commitOne, type Effects } from "./commit-one.ts";
import { canGoTogether, commitTogether } from "./commit-together.ts";
import { isHome } from "./locality.ts";
import { nameParam, runParam } from "./records.ts";

/** What a batch came to. */
export interface Committed {
  readonly results: CommitResult[];
  /** Whether a run was created, or one was told of the end of another. */
  readonly wakes: boolean;
  /** Runs that were ended because others replaced them. */
  readonly replaced: readonly string[];
}

/** PostgreSQL's limit for a value is 1 GB, and its text form in a parameter takes twice the bytes. */
const MAX_BYTES = 256 * 1024 * 1024;

/** A commit of the batch that is to be written, and its place. */
interface Open {
  readonly commit: Commit;
  readonly index: number;
}

/** {@link World.commit}, of a batch that holds each run at most once. */
export async function commit(database: Database, commits: readonly Commit[]): Promise<Committed> {
  const results = Array.from<CommitResult>({ length: commits.length });
  const effects: Effects = { wakes: false, replaced: [] };
  const usual: Open[] = [];
  const others: Open[] = [];
  const inOrder = commits.some(replacesRuns);
  for (const [index, one] of commits.entries()) {
    const problem = commitProblem(one) ?? sizeProblem(one);
    if (problem !== null) results[index] = { status: "failed", error: problem };
    else if (runParam(one.runId) === null) results[index] = { status: "fenced" };
    else (isUsual(one) && !inOrder && hasTokensHere(database, one) ? usual : others).push({ commit: one, index });
  }
  others.push(...(await commitUsual(database, usual, results)));
  if (results.some((result) => result?.status === "committed" && result.released)) effects.wakes = true;
  await commitOthers(database, others, results, effects);
  return { results, wakes: effects.wakes, replaced: effects.replaced };
}

function hasTokensHere(database: Database, { hooks = [] }: Commit): boolean {
  return database.locality === null || hooks.every(({ token }) => isHome(database, "token", token));
}

/** Whether a commit may end the run of another one in its batch: then their order counts. */
function replacesRuns({ runs }: Commit): boolean {
  return runs?.some(({ key, ifKeyExists }) => key !== null && ifKeyExists === "replace") ?? false;
}

/** Commits what one statement can; returns what it could not. */
async function commitUsual(database: Database, usual: readonly Open[], results: CommitResult[]): Promise<readonly Open[]> {
  if (usual.length === 0) return [];
  const ordered = usual.toSorted((a, b) => (a.commit.runId < b.commit.runId ? -1 : 1));
  let written: Written;
  try {
    written = await write(
      database,
      ordered.map(({ commit }) => commit),
    );
  } catch (error) {
    if (WorldError.is(error)) throw error;
    return usual; // a value that the server refuses, or rows of an earlier try that landed meanwhile
  }
  const left: Open[] = [];
  for (const [place, one] of ordered.entries()) {
    const result = written[place];
    if (result === undefined) left.push(one);
    else results[one.index] = result;
  }
  return left;
}

async function write(database: Database, commits: readonly Commit[]): Promise<Written> {
  let batch = usualBatch(commits, database.locality, false);
  const answer = await database.statement((isRetry) => {
    if (isRetry) batch = usualBatch(commits, database.locality, true);
    return batch.statement;
  }, "repeatable");
  const written = batch.read(answer);
  if (!("template" in written)) return written;
  const runs = new Set((await database.all(written.template, written.values)).map(([run]) => run as string));
  return commits.map(({ runId }) => (runs.has(runId) ? COMMITTED : undefined));
}

async function commitOthers(database: Database, others: readonly Open[], results: CommitResult[], effects: Effects): Promise<void> {
  if (others.length === 0) return;
  const own: Effects = { wakes: false, replaced: [] }; // of all tries: a retry does not see what an earlier one did that was committed
  try {
    const outcomes = await database.transaction(async (transaction) => {
      await lockRuns(transaction, others);
      return commitInOrder(
        transaction,
        others.map(({ commit }) => commit),
        own,
      );
    }, "repeatable");
    for (const [place, { index }] of others.entries()) results[index] = outcomes[place]!;
    effects.wakes ||= own.wakes;
    effects.replaced.push(...own.replaced);
  } catch (error) {
    if (WorldError.is(error)) throw error;
    const [first] = others;
    if (others.length === 1) results[first!.index] = { status: "failed", error: error instanceof Error ? error : new Error(String(error)) };
    else for (const one of others) await commitOthers(database, [one], results, effects);
  }
}

/** Those together that stand next to each other and can be, the others one by one. */
async function commitInOrder(transaction: Transaction, commits: readonly Commit[], effects: Effects): Promise<CommitResult[]> {
  const results: CommitResult[] = [];
  for (let start = 0, end = 0; start < commits.length; start = ++end) {
    while (end < commits.length && canGoTogether(transaction, commits[end]!)) end++;
    const together = commits.slice(start, end);
    const written = await commitTogether(transaction, together, effects);
    for (const [place, commit] of together.entries()) results.push(written[place] ?? (await commitOne(transaction, commit, effects)));
    if (end < commits.length) results.push(await commitOne(transaction, commits[end]!, effects));
  }
  return results;
}

/** Ids of runs that other runs' commits touch: by key, by token, because they await. (A join: from "= ANY" of no keys at all the planner proves the condition of any partial index, and may read all of one.) */
const RELATED = `
  SELECT r.id FROM unnest($1::text[]) AS k(key) JOIN @runs r ON r.key = k.key
  UNION SELECT run_id FROM @hooks WHERE token = ANY($2::text[])
  UNION SELECT run_id FROM @awaits WHERE awaited = ANY($3::uuid[])`;
const LOCK = "SELECT id FROM @runs WHERE id = ANY($1::uuid[]) ORDER BY id FOR NO KEY UPDATE";

/** Locks all runs that the commits are known to touch, in one order, so that transactions wait for each other and do not block each other. */
async function lockRuns(transaction: Transaction, others: readonly Open[]): Promise<void> {
  const ids = new Set<string | null>();
  const [keys, tokens, ending] = [[] as (string | null)[], [] as (string | null)[], [] as string[]];
  for (const { commit } of others) {
    const { runId, messages = [], awaits = [], runs = [], patch } = commit;
    ids.add(runId);
    if (patch?.status !== undefined && patch.status !== "running") ending.push(runId);
    for (const { to } of messages) {
      if ("runId" in to) ids.add(runParam(to.runId));
      else if ("key" in to) keys.push(nameParam(to.key));
      else tokens.push(nameParam(to.token));
    }
    for (const { run } of awaits) {
      if ("id" in run) ids.add(runParam(run.id));
      else keys.push(nameParam(run.key));
    }
    for (const { key, ifKeyExists } of runs) if (ifKeyExists === "replace") keys.push(key);
  }
  if (keys.length + tokens.length + ending.length > 0) {
    const related = await transaction.all(RELATED, [keys, tokens, plainArray(ending)]);
    for (const [id] of related) ids.add(id as string);
  }
  await transaction.all(LOCK, [plainArray([...ids])]);
}

function sizeProblem({ rows, patch, chunks, hooks, state, runs, successor, messages }: Commit): WorldError | null {
  let largest = patch?.output?.byteLength ?? 0;
  for (const row of rows) largest = Math.max(largest, row.byteLength);
  for (const { data } of chunks ?? []) largest = Math.max(largest, data?.byteLength ?? 0);
  for (const { metadata } of hooks ?? []) largest = Math.max(largest, metadata?.byteLength ?? 0);
  for (const { value } of state ?? []) largest = Math.max(largest, value?.byteLength ?? 0);
  for (const run of runs ?? []) largest = Math.max(largest, run.input.byteLength, run.replaceOutput?.byteLength ?? 0);
  if (successor !== undefined) largest = Math.max(largest, successor.input.byteLength);
  for (const { payload } of messages ?? []) largest = Math.max(largest, payload.byteLength);
  if (largest <= MAX_BYTES) return null;
  return new WorldError("WORLD_INVALID_ARGUMENT", `A value of ${largest} bytes is too large for PostgreSQL.`, {
    hint: `Keep values below ${MAX_BYTES} bytes: store large data elsewhere, and its address in the run.`,
  });
}
