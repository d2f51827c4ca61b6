/**
 * Commits that start runs, await them, end runs that are awaited, or send: a whole batch of them in a few statements.
 *
 * The first is the one that writes usual commits (`append.ts`). What it leaves out follows in the same transaction, set by set and for all commits together: the runs that they
 * start, what they await, whom their ends are told. All runs that are touched are locked before, so that each set finds the runs as the one before left them, and the sets amount
 * to the commits in some order. A thousand children cost as many statements as one. One by one are still: what commits send, awaits by key or of runs that are over, and runs that exist or whose key is taken.
 */

import type { AnswerStatus, Await, Commit, NewRun } from "@perdure/world";
import { ANSWER_KIND, answerId, answerPayload } from "@perdure/world";
import { bytesArray, plainArray, textArray } from "../database/arrays.ts";
import type { Transaction } from "../database/database.ts";
import { ends, generalBatch, isUsual, type Written } from "./append.ts";
import { addAwaits } from "./awaits.ts";
import { existingRuns, type Effects } from "./commit-one.ts";
import { post } from "./messages.ts";
import { runParam } from "./records.ts";
import { createRun, insertRuns } from "./runs.ts";

/** How many bytes the runs that one commit starts may take, for one statement to create them. */
const MAX_INPUT_BYTES = 64 * 1024 * 1024;

/** Runs that are open, each for an operation that was not answered before; up to the first that another one goes on for, which is to be found first: awaits are answered in their order. */
const ADD_AWAITS = `
  WITH a AS (
    INSERT INTO @awaits (run_id, operation, awaited) SELECT x.run_id, x.operation, x.awaited
    FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[]) WITH ORDINALITY AS x(run_id, operation, awaited, answer, place)
    WHERE x.place < (
        SELECT coalesce(min(y.place), cardinality($3) + 1) FROM unnest($3::uuid[]) WITH ORDINALITY AS y(awaited, place)
        WHERE (SELECT r.successor FROM @runs r WHERE r.id = y.awaited) IS NOT NULL)
      AND (SELECT r.status FROM @runs r WHERE r.id = x.awaited) = 0
      AND (SELECT m.message FROM @messages m WHERE m.run_id = x.run_id AND m.message = x.answer) IS NULL
    ORDER BY x.place
    ON CONFLICT DO NOTHING RETURNING run_id, operation, awaited
  ), marked AS (
    UPDATE @runs SET awaited = true WHERE id = ANY(ARRAY(SELECT a.awaited FROM a)) AND NOT awaited
  )
  SELECT run_id, operation FROM a`;
const TAKE_AWAITS = "DELETE FROM @awaits WHERE awaited = ANY($1::uuid[]) RETURNING awaited, run_id, operation, position";
/** Those whose runs are open. */
const ANSWER = `
  INSERT INTO @messages (run_id, message, kind, operation, payload) SELECT x.run_id, x.message, $5, x.operation, x.payload
  FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bytea[]) WITH ORDINALITY AS x(run_id, message, operation, payload, place)
  WHERE (SELECT r.status FROM @runs r WHERE r.id = x.run_id FOR NO KEY UPDATE) = 0
  ORDER BY x.place
  ON CONFLICT (run_id, message) DO NOTHING RETURNING run_id`;
const WAKE = `
  UPDATE @runs r SET mail = r.mail + n.count, due_at = least(coalesce(r.due_at, @now), @now)
  FROM unnest($1::uuid[], $2::int4[]) AS n(id, count) WHERE r.id = n.id`;

/**
 * Whether a commit can be part of {@link commitTogether}. Not with several servers, where each name and each run is asked for where it lives; not with hooks, whose conflicts are found
 * out alone; and not where it replaces a run, which may be that of another commit.
 */
export function canGoTogether({ locality }: Pick<Transaction, "locality">, commit: Commit): boolean {
  const { runs = [], hooks = [] } = commit;
  if (locality !== null || hooks.length > 0) return false;
  if (runs.some(({ key, ifKeyExists }) => key !== null && ifKeyExists === "replace")) return false;
  if (runs.reduce((sum, { input }) => sum + input.byteLength, 0) > MAX_INPUT_BYTES) return false;
  return isUsual({ ...commit, runs: [], messages: [], awaits: [] });
}

/**
 * Writes what of the commits can be written so, and says what came of each; undefined: it was not, and is to be looked at alone.
 * @param commits of different runs, which are locked, and so are those that they await or that await them
 */
export async function commitTogether(transaction: Transaction, commits: readonly Commit[], effects: Effects): Promise<Written> {
  if (commits.length === 0) return [];
  // As if it were a retry, which looks for the last row: a row that is there already would fail the transaction of all.
  const { statement, read } = generalBatch(commits, null, { isRetry: true, tells: true });
  const results = read({ rows: await transaction.all(statement.template, statement.values) });
  if (results.some((result) => result?.status === "committed" && result.released)) effects.wakes = true;
  const written = commits.filter((_, place) => results[place] !== undefined);
  const left = await startRuns(transaction, written, effects);
  for (const { messages } of written) if (messages !== undefined) await post(transaction, messages);
  if (await tellEnds(transaction, written.filter(ends))) effects.wakes = true;
  if (await noteAwaits(transaction, written)) effects.wakes = true;
  return withExisting(transaction, commits, results, left);
}

/** Creates the runs that commits start; returns those that were not created, because they exist or another run has their key. */
async function startRuns(transaction: Transaction, commits: readonly Commit[], effects: Effects): Promise<ReadonlySet<NewRun>> {
  const runs = commits.flatMap(({ runs = [] }) => runs);
  if (runs.length === 0) return new Set();
  const created = await insertRuns(transaction, runs, null);
  const left = new Set<NewRun>();
  for (const run of runs) {
    const isNew = created.delete(run.id) || (await createRun(transaction, run, null)).created; // (what was in the way may be gone)
    if (isNew) effects.wakes = true;
    else left.add(run);
  }
  return left;
}

/** @param left runs that were not created */
async function withExisting(
  transaction: Transaction,
  commits: readonly Commit[],
  results: Written,
  left: ReadonlySet<NewRun>,
): Promise<Written> {
  if (left.size === 0) return results;
  const complete = [...results];
  for (const [place, { runs = [] }] of commits.entries()) {
    const result = results[place];
    const missing = runs.filter((run) => left.has(run));
    if (result?.status !== "committed" || missing.length === 0) continue;
    const existing = await existingRuns(transaction, missing);
    if (existing.length > 0) complete[place] = { ...result, existing };
  }
  return complete;
}

/** Tells those who await runs that these commits have ended; returns whether there was anybody. */
async function tellEnds(transaction: Transaction, commits: readonly Commit[]): Promise<boolean> {
  if (commits.length === 0) return false;
  const awaits = (await transaction.all(TAKE_AWAITS, [plainArray(commits.map(({ runId }) => runId))])) as readonly TakenAwait[];
  if (awaits.length === 0) return false;
  const payloads = new Map(commits.map(({ runId, patch }) => [runId, answerPayload(patch!.status as AnswerStatus, patch!.output ?? null)]));
  const inOrder = awaits.toSorted(([, , , a], [, , , b]) => a - b);
  const rows = await transaction.all(ANSWER, [
    plainArray(inOrder.map(([, run]) => run)),
    textArray(inOrder.map(([, , operation]) => answerId(operation))),
    textArray(inOrder.map(([, , operation]) => operation)),
    bytesArray(inOrder.map(([ended]) => payloads.get(ended)!)),
    ANSWER_KIND,
  ]);
  const counts = new Map<string, number>();
  for (const [run] of rows as readonly (readonly [string])[]) counts.set(run, (counts.get(run) ?? 0) + 1);
  if (counts.size > 0) await transaction.run(WAKE, [plainArray([...counts.keys()]), plainArray([...counts.values()])]);
  return true;
}

type TakenAwait = readonly [awaited: string, run: string, operation: string, position: number];

interface AwaitOf {
  readonly run: string;
  readonly wish: Await;
}

/** Notes what runs await that these commits leave open; answers at once where the awaited run is over, or unknown. Returns whether any was answered. */
async function noteAwaits(transaction: Transaction, commits: readonly Commit[]): Promise<boolean> {
  const open = commits.filter((commit) => !ends(commit));
  const all = open.flatMap(({ runId, awaits = [] }) => awaits.map((wish): AwaitOf => ({ run: runId, wish })));
  let isAnswered = false;
  for (let start = 0, end = 0; start < all.length; start = end) {
    while (end < all.length && awaitedId(all[end]!) !== null) end++;
    const noted = await noteTogether(transaction, all.slice(start, end));
    if (end < all.length) end++;
    for (const { run, wish } of all.slice(start, end)) {
      if (!noted.has(`${run} ${wish.operation}`) && (await addAwaits(transaction, run, [wish]))) isAnswered = true;
    }
  }
  return isAnswered;
}

/** The awaited run, where it is named by an id. */
function awaitedId({ wish: { run } }: AwaitOf): string | null {
  return "id" in run ? runParam(run.id) : null;
}

async function noteTogether(transaction: Transaction, awaits: readonly AwaitOf[]): Promise<ReadonlySet<string>> {
  if (awaits.length === 0) return new Set();
  const operations = awaits.map(({ wish }) => wish.operation);
  const rows = await transaction.all(ADD_AWAITS, [
    plainArray(awaits.map(({ run }) => run)),
    textArray(operations),
    plainArray(awaits.map(awaitedId)),
    textArray(operations.map(answerId)),
  ]);
  return new Set(rows.map(([run, operation]) => `${run as string} ${operation as string}`));
}
