/**
 * The usual commits of a batch, in one statement: rows, a patch, hooks, consumed messages.
 *
 * Each commit proves itself in the statement that writes it. A lock on the run's row makes it wait for a claim that is under way and a claim wait for it; the fence and the
 * owner are those of the row as it is then, and the length of the history that of the statement's beginning, which is enough: with the same fence nobody else writes.
 * All else hangs on the commits that passed. Those that did not are named by their absence, and looked at one by one (`commit.ts`): fenced, behind, written by an earlier try, or
 * an end that somebody must be told of.
 *
 * Plans: `unnest` is joined to a table only where `= ANY` of the same ids already binds the table, so that the server walks the primary key whatever it believes about the sizes.
 */

import type { Commit, HookRecord } from "@perdure/world";
import { storableText } from "@perdure/world";
import { bytesArray, plainArray, textArray } from "../database/arrays.ts";
import type { Row } from "../database/database.ts";
import { runParam, statusNumber, workerId } from "./records.ts";

/** Whether a commit can be part of {@link usualBatch}. */
export function isUsual({ rows, patch, hooks, disposedHooks, runs, successor, messages, awaits, chunks, state }: Commit): boolean {
  if (runs ?? successor ?? messages ?? awaits ?? chunks ?? state) return false;
  if (rows.length === 0 && patch === undefined) return false;
  return (
    patch?.attributes === undefined && (hooks === undefined || (disposedHooks === undefined && (patch === undefined || !ends({ patch }))))
  );
}

export interface UsualBatch {
  readonly template: string;
  readonly values: readonly unknown[];
  /** Reads the answer: the conflicts of each commit, by its index; undefined for a commit that was not written. */
  read(rows: readonly Row[]): (readonly string[] | undefined)[];
}

/** One row of each run and nothing else: most of what is ever written. */
export const APPEND_ROWS = `
  INSERT INTO @history (run_id, seq, fence, data)
  SELECT i.run_id, i.base + 1, i.fence, i.data
  FROM unnest($1::uuid[], $2::int8[], $3::int4[], $4::int4[], $5::bytea[]) AS i(run_id, owner, fence, base, data)
  WHERE (SELECT r.fence FROM @runs r WHERE r.id = i.run_id AND r.owner = i.owner FOR SHARE) = i.fence
    AND coalesce((SELECT max(h.seq) FROM @history h WHERE h.run_id = i.run_id), 0) = i.base
  RETURNING run_id`;

/** @param commits usual ones, each of another run, in the order of the runs' ids: all statements lock rows in that order */
export function usualBatch(commits: readonly Commit[]): UsualBatch {
  const isBare = commits.every((one) => one.rows.length === 1 && !(one.patch ?? one.hooks ?? one.disposedHooks ?? one.consumed));
  return isBare ? rowBatch(commits) : generalBatch(commits);
}

function rowBatch(commits: readonly Commit[]): UsualBatch {
  return {
    template: APPEND_ROWS,
    values: [...leases(commits), bytesArray(commits.map(({ rows }) => rows[0]!))],
    read(rows) {
      const written = new Set(rows.map(([run]) => run as string));
      return commits.map(({ runId }) => (written.has(runId) ? [] : undefined));
    },
  };
}

function leases(commits: readonly Commit[]): unknown[] {
  return [
    plainArray(commits.map(({ runId }) => runParam(runId))),
    plainArray(commits.map(({ worker }) => workerId(worker))),
    plainArray(commits.map(({ fence }) => fence)),
    plainArray(commits.map(({ base }) => base)),
  ];
}

/** Values as they are bound, so that a statement has the parameters that it uses, and no others. */
interface Parameters {
  readonly values: unknown[];
  bind(value: unknown): string;
}

function createParameters(): Parameters {
  const values: unknown[] = [];
  return { values, bind: (value) => `$${values.push(value)}` };
}

/** A value of a commit, and the commit's place in the batch, from 1. */
interface Placed<T> {
  readonly place: number;
  readonly value: T;
}

function placed<T>(commits: readonly Commit[], valuesOf: (commit: Commit) => readonly T[] | undefined): Placed<T>[] {
  return commits.flatMap((commit, index) => (valuesOf(commit) ?? []).map((value) => ({ place: index + 1, value })));
}

function places(items: readonly Placed<unknown>[]): string {
  return plainArray(items.map(({ place }) => place));
}

/** A text per combination of what commits contain, so that no statement does more than it must. */
function generalBatch(commits: readonly Commit[]): UsualBatch {
  const parameters = createParameters();
  const reserved = placed(commits, ({ hooks }) => hooks);
  const consumed = placed(commits, (commit) => commit.consumed);
  const disposed = placed(commits, ({ disposedHooks }) => disposedHooks);
  const patches = commits.some(({ patch }) => patch !== undefined) || consumed.length > 0;
  const parts = [provenPart(parameters, commits), rowsPart(parameters, commits)];
  if (consumed.length > 0) parts.push(consumedPart(parameters, consumed));
  if (disposed.length > 0) parts.push(disposedPart(parameters, disposed));
  if (reserved.length > 0) parts.push(reservedPart(parameters, reserved));
  if (patches) parts.push(patchedPart(parameters, commits, consumed.length > 0));
  if (commits.some(ends)) parts.push(...ENDED_PARTS);
  const tail = reserved.length > 0 ? " UNION ALL SELECT c.place, k.operation FROM reserved k JOIN c USING (run_id)" : "";
  return {
    template: `WITH ${parts.join(",\n")} SELECT c.place, NULL::text FROM c${tail}`,
    values: parameters.values,
    read: (rows) => readAnswer(commits, rows),
  };
}

function ends({ patch }: Pick<Commit, "patch">): boolean {
  return patch?.status !== undefined && patch.status !== "running";
}

function readAnswer(commits: readonly Commit[], rows: readonly Row[]): (readonly string[] | undefined)[] {
  const held: (Set<string> | undefined)[] = [];
  for (const [place, operation] of rows as readonly unknown[] as readonly (readonly [number, string | null])[]) {
    const operations = (held[place - 1] ??= new Set());
    if (operation !== null) operations.add(operation);
  }
  return commits.map(({ hooks = [] }, index) => {
    const operations = held[index];
    return operations && hooks.map(({ operation }) => operation).filter((operation) => !operations.has(operation));
  });
}

/** The commits that may be written. Their runs are locked from here on. */
function provenPart({ bind }: Parameters, commits: readonly Commit[]): string {
  const [runs, owners, fences, bases] = leases(commits).map(bind);
  const reads = bind(plainArray(commits.map(({ consumed }) => consumed?.length ?? 0)));
  const areEnds = bind(plainArray(commits.map(ends)));
  return `c AS MATERIALIZED (
    SELECT c.* FROM unnest(${runs}::uuid[], ${owners}::int8[], ${fences}::int4[], ${bases}::int4[], ${reads}::int4[], ${areEnds}::bool[])
      WITH ORDINALITY AS c(run_id, owner, fence, base, reads, ends, place)
    WHERE (SELECT r.fence FROM @runs r WHERE r.id = c.run_id AND r.owner = c.owner
        AND (NOT c.ends OR (r.mail = c.reads AND NOT r.awaited)) FOR NO KEY UPDATE) = c.fence
      AND coalesce((SELECT max(h.seq) FROM @history h WHERE h.run_id = c.run_id), 0) = c.base
  )`;
}

/**
 * Of values that belong to a commit: whether it passed. IS TRUE keeps the server from making a join of it, which would compare each value with each commit where it expects few;
 * so it is a look into a hash table.
 */
const passed = (run: string): string => `(${run} IN (SELECT run_id FROM c)) IS TRUE`;

function rowsPart({ bind }: Parameters, commits: readonly Commit[]): string {
  const rows = commits.flatMap(({ runId, fence, base, rows }) =>
    rows.map((data, index) => ({ runId, fence, seq: base + index + 1, data })),
  );
  const runs = bind(plainArray(rows.map(({ runId }) => runParam(runId))));
  const seqs = bind(plainArray(rows.map(({ seq }) => seq)));
  const fences = bind(plainArray(rows.map(({ fence }) => fence)));
  const data = bind(bytesArray(rows.map(({ data }) => data)));
  return `written AS (
    INSERT INTO @history (run_id, seq, fence, data)
    SELECT i.* FROM unnest(${runs}::uuid[], ${seqs}::int4[], ${fences}::int4[], ${data}::bytea[]) AS i(run_id, seq, fence, data) WHERE ${passed("i.run_id")}
  )`;
}

function consumedPart({ bind }: Parameters, consumed: readonly Placed<string>[]): string {
  const [at, ids] = [bind(places(consumed)), bind(textArray(consumed.map(({ value }) => value)))];
  return `consumed AS (
    UPDATE @messages m SET payload = NULL FROM c JOIN unnest(${at}::int8[], ${ids}::text[]) AS x(place, message) USING (place)
    WHERE m.run_id = ANY($1::uuid[]) AND m.run_id = c.run_id AND m.message = x.message AND m.payload IS NOT NULL
    RETURNING m.run_id
  )`;
}

function disposedPart({ bind }: Parameters, disposed: readonly Placed<string>[]): string {
  const [at, operations] = [bind(places(disposed)), bind(textArray(disposed.map(({ value }) => value)))];
  return `disposed AS (
    DELETE FROM @hooks h USING c JOIN unnest(${at}::int8[], ${operations}::text[]) AS x(place, operation) USING (place)
    WHERE h.run_id = ANY($1::uuid[]) AND h.run_id = c.run_id AND h.operation = x.operation
  )`;
}

function reservedPart({ bind }: Parameters, reserved: readonly Placed<HookRecord>[]): string {
  const at = bind(places(reserved));
  const tokens = bind(textArray(reserved.map(({ value }) => value.token)));
  const operations = bind(textArray(reserved.map(({ value }) => value.operation)));
  const metadata = bind(bytesArray(reserved.map(({ value }) => value.metadata)));
  return `reserved AS (
    INSERT INTO @hooks (token, run_id, operation, metadata)
    SELECT x.token, c.run_id, x.operation, x.metadata
    FROM unnest(${at}::int8[], ${tokens}::text[], ${operations}::text[], ${metadata}::bytea[]) AS x(place, token, operation, metadata) JOIN c USING (place)
    ON CONFLICT (token) DO NOTHING RETURNING run_id, operation
  )`;
}

function patchedPart({ bind }: Parameters, all: readonly Commit[], consumes: boolean): string {
  const commits = all.filter(({ patch, consumed = [] }) => patch !== undefined || consumed.length > 0);
  const patches = commits.map(({ patch = {} }) => patch);
  const runs = bind(plainArray(commits.map(({ runId }) => runParam(runId))));
  const areEnds = bind(plainArray(commits.map(ends)));
  const status = bind(plainArray(patches.map(({ status }) => (status === undefined ? null : statusNumber(status)))));
  const setsDue = bind(plainArray(patches.map(({ dueAt }) => dueAt !== undefined)));
  const due = bind(plainArray(patches.map(({ dueAt }) => dueAt ?? null)));
  const setsNote = bind(plainArray(patches.map(({ note }) => note !== undefined)));
  const note = bind(textArray(patches.map(({ note }) => (note == null ? null : storableText(note)))));
  const setsOutput = bind(plainArray(patches.map(({ output }) => output !== undefined)));
  const output = bind(bytesArray(patches.map(({ output }) => output ?? null)));
  const reads = consumes ? "(SELECT count(*) FROM consumed m WHERE m.run_id = p.run_id)" : "0";
  return `patched AS (
    UPDATE @runs r SET
      status = coalesce(p.status, r.status),
      ended_at = CASE WHEN p.ends THEN @now ELSE r.ended_at END,
      owner = CASE WHEN p.ends THEN NULL ELSE r.owner END,
      mail = CASE WHEN p.ends THEN 0 ELSE r.mail - ${reads} END,
      due_at = CASE WHEN p.ends THEN NULL
        WHEN NOT p.sets_due THEN r.due_at
        WHEN r.mail > ${reads} THEN least(coalesce(p.due_at, @now), @now)
        ELSE p.due_at END,
      note = CASE WHEN p.sets_note THEN p.note ELSE r.note END,
      output = CASE WHEN p.sets_output THEN p.output ELSE r.output END
    FROM unnest(${runs}::uuid[], ${areEnds}::bool[], ${status}::int2[], ${setsDue}::bool[], ${due}::int8[], ${setsNote}::bool[], ${note}::text[], ${setsOutput}::bool[],
      ${output}::bytea[]) AS p(run_id, ends, status, sets_due, due_at, sets_note, note, sets_output, output)
    WHERE r.id = p.run_id AND ${passed("p.run_id")}
  )`;
}

/** An end also takes what only open runs have. It leaves no message: all that there were are consumed by it. */
const ENDED_PARTS = [
  `unhooked AS (DELETE FROM @hooks WHERE run_id = ANY(ARRAY(SELECT run_id FROM c WHERE ends)))`,
  `unawaited AS (DELETE FROM @awaits WHERE run_id = ANY(ARRAY(SELECT run_id FROM c WHERE ends)))`,
];
