/**
 * The usual commits of a batch, in one statement: rows, a patch, attributes, hooks, consumed messages, published state.
 *
 * Each commit proves itself in the statement that writes it. A lock on the run's row makes it wait for a claim that is under way and a claim wait for it; the fence and the
 * owner are those of the row as it is then, and the length of the history that of the statement's beginning, which is enough: with the same fence nobody else writes.
 * All else hangs on the commits that passed. Those that did not are looked at one by one (`commit.ts`): fenced, behind, written by an earlier try, or
 * an end that somebody must be told of.
 *
 * Plans: runs are looked up by their ids alone, for with the owner in the condition a server without statistics walks all runs of the owner. Which commits passed is one array, `gate`, that the parts look into by the commit's place. Joins among the parts would depend on what the server guesses of their sizes, and a wrong guess costs the square of the batch.
 */

import type { AttributeValue, Commit, CommitResult, HookRecord, RunPatch } from "@perdure/world";
import { attributeText, MAX_ATTRIBUTES, storableText } from "@perdure/world";
import { bytesArray, plainArray, textArray } from "../database/arrays.ts";
import type { Row, Statement } from "../database/database.ts";
import type { Locality } from "../database/locality.ts";
import { FREED_DATA } from "./outbox.ts";
import { statusNumber, workerId } from "./records.ts";

/** Whether a commit can be part of {@link usualBatch}. */
export function isUsual(commit: Commit): boolean {
  const { hooks, disposedHooks, runs, successor, messages, awaits, chunks } = commit;
  if (successor !== undefined || hasAny(runs) || hasAny(messages) || hasAny(awaits) || hasAny(chunks)) return false;
  return !hasAny(hooks) || !(hasAny(disposedHooks) || ends(commit));
}

function hasAny(list: readonly unknown[] | undefined): boolean {
  return list !== undefined && list.length > 0;
}

/** Whether a commit is one row and nothing else. */
function isBare({ rows, patch, hooks, disposedHooks, consumed, state }: Commit): boolean {
  return rows.length === 1 && patch === undefined && !(hasAny(hooks) || hasAny(disposedHooks) || hasAny(consumed) || hasAny(state));
}

/** What a statement came to. */
export interface Answer {
  readonly rows: readonly Row[];
  readonly rowCount: number | null;
}

export interface UsualBatch {
  readonly statement: Statement;
  /** Reads the answer. A statement: that is to be asked, whose rows are the runs of commits that were written. */
  read(answer: Answer): Written | Statement;
}

interface GeneralBatch extends UsualBatch {
  read(answer: Pick<Answer, "rows">): Written;
}

/** The result of each commit, by its index; undefined for a commit that was not written, or whose hooks were not all free: it is to be looked at alone. */
export type Written = readonly (CommitResult | undefined)[];

/** What a commit came to that was written as it is. */
export const COMMITTED: Extract<CommitResult, { status: "committed" }> = { status: "committed", conflicts: [] };
export const RELEASED: Extract<CommitResult, { status: "committed" }> = { ...COMMITTED, released: true };

/** Whether a run's history is as long as a commit says: its last row is looked for. */
const isSoLong = (commit: string): string =>
  `coalesce((SELECT max(h.seq) FROM @history h WHERE h.run_id = ${commit}.run_id), 0) = ${commit}.base`;

/**
 * The same for a commit that writes rows, which makes the statement a third cheaper where histories are long: the row is there that is to be the last. If there is another one behind it, its key refuses the
 * statement, which is taken apart then; so not where that is to be expected, after a try whose answer was lost.
 */
const isAtLeastSoLong = (commit: string): string =>
  `(${commit}.base = 0 OR (SELECT h.seq FROM @history h WHERE h.run_id = ${commit}.run_id AND h.seq = ${commit}.base) IS NOT NULL)`;

/** One row of each run and nothing else: most of what is ever written. */
const appendRows = (hasLength: string): string => `
  INSERT INTO @history (run_id, seq, fence, data)
  SELECT i.run_id, i.base + 1, i.fence, i.data
  FROM unnest($1::uuid[], $2::int8[], $3::int4[], $4::int4[], $5::bytea[]) AS i(run_id, owner, fence, base, data)
  WHERE (SELECT CASE WHEN r.owner = i.owner THEN r.fence END FROM @runs r WHERE r.id = i.run_id FOR SHARE) = i.fence
    AND ${hasLength}`;
const APPEND_ROWS = appendRows(isAtLeastSoLong("i"));
const APPEND_ROWS_AGAIN = appendRows(isSoLong("i"));

/** The own rows of commits of one row. What is only read may be seen before a synchronous standby has it; the lock is a write, which waits for all before it. */
const OWN_ROWS = `
  SELECT i.run_id FROM unnest($1::uuid[], $2::int4[], $3::int4[]) AS i(run_id, fence, base)
  WHERE (SELECT r.id FROM @runs r WHERE r.id = i.run_id FOR SHARE) IS NOT NULL
    AND (SELECT h.fence FROM @history h WHERE h.run_id = i.run_id AND h.seq = i.base + 1) = i.fence`;

/**
 * @param commits usual ones, each of another run, in the order of the runs' ids: all statements lock rows in that order
 * @param isRetry whether an earlier try may have written them
 */
export function usualBatch(commits: readonly Commit[], locality: Locality | null, isRetry: boolean): UsualBatch {
  return commits.every(isBare) ? rowBatch(commits, isRetry) : generalBatch(commits, locality, { isRetry, tells: false });
}

function rowBatch(commits: readonly Commit[], isRetry: boolean): UsualBatch {
  const [runs, owners, fences, bases] = leases(commits);
  const template = isRetry ? APPEND_ROWS_AGAIN : APPEND_ROWS;
  return {
    statement: { template, values: [runs, owners, fences, bases, bytesArray(commits.map(({ rows }) => rows[0]!))] },
    // To return a row for each would be most of the answer's cost.
    read: ({ rowCount }) =>
      rowCount === commits.length ? commits.map(() => COMMITTED) : { template: OWN_ROWS, values: [runs, fences, bases] },
  };
}

/** (The ids are ids: whoever calls has looked.) */
function leases(commits: readonly Commit[]): unknown[] {
  return [
    plainArray(commits.map(({ runId }) => runId)),
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
  readonly commit: Commit;
  readonly value: T;
}

function placed<T>(commits: readonly Commit[], valuesOf: (commit: Commit) => readonly T[] | undefined): Placed<T>[] {
  return commits.flatMap((commit, index) => (valuesOf(commit) ?? []).map((value) => ({ place: index + 1, commit, value })));
}

/** The places and runs of values, as parameters of an `unnest`. */
function bindPlaces({ bind }: Parameters, items: readonly Placed<unknown>[]): string {
  const places = bind(plainArray(items.map(({ place }) => place)));
  const runs = bind(plainArray(items.map(({ commit }) => commit.runId)));
  return `${places}::int4[], ${runs}::uuid[]`;
}

/** Whether the commit at a place may be written. */
const PASSED = "(SELECT g.ok FROM gate g)";

/**
 * What {@link usualBatch} does for commits of any usual content. A text per combination of what they contain, so that no statement does more than it must.
 * @param commits whatever else they contain is not written
 */
export function generalBatch(commits: readonly Commit[], locality: Locality | null, terms: Omit<Proof, "attributes">): GeneralBatch {
  const parameters = createParameters();
  const reserved = placed(commits, ({ hooks }) => hooks);
  const consumed = placed(commits, (commit) => commit.consumed);
  const disposed = placed(commits, ({ disposedHooks }) => disposedHooks);
  const published = placed(commits, lastWrites);
  const attributes = placed(commits, ({ patch }) => Object.entries(patch?.attributes ?? {}));
  const parts = [gatePart(parameters, commits, { ...terms, attributes: attributes.length > 0 }), rowsPart(parameters, commits)];
  if (consumed.length > 0) parts.push(consumedPart(parameters, consumed, commits.length));
  if (disposed.length > 0) parts.push(disposedPart(parameters, disposed));
  if (reserved.length > 0) parts.push(reservedPart(parameters, reserved));
  if (published.length > 0) parts.push(publishedPart(parameters, published));
  parts.push(...attributeParts(parameters, attributes));
  if (commits.some(changesRow)) parts.push(patchedPart(parameters, commits, { consumes: consumed.length > 0, hooks: reserved.length }));
  if (commits.some(ends)) parts.push(...ENDED_PARTS);
  let tail = reserved.length > 0 ? " UNION ALL SELECT NULL, run_id, operation FROM reserved" : "";
  const gone = [...(disposed.length > 0 ? ["disposed"] : []), ...(commits.some(ends) ? ["unhooked"] : [])];
  if (locality !== null && gone.length > 0) {
    parts.push(freedPart(gone));
    tail += " UNION ALL (SELECT NULL, NULL, NULL FROM freed LIMIT 1)";
  }
  const template = `WITH ${parts.join(",\n")} SELECT place, NULL::uuid, NULL::text FROM c WHERE NOT ok${tail}`;
  return { statement: { template, values: parameters.values }, read: ({ rows }) => readAnswer(commits, rows, locality) };
}

export function ends({ patch }: Pick<Commit, "patch">): boolean {
  return patch?.status !== undefined && patch.status !== "running";
}

type AnswerRow = readonly [place: number, null, null] | readonly [null, runId: string, operation: string] | readonly [null, null, null];

function readAnswer(commits: readonly Commit[], rows: readonly Row[], locality: Locality | null): Written {
  const refused = new Set<number>();
  const reserved = new Set<string>();
  for (const [place, runId, operation] of rows as readonly unknown[] as readonly AnswerRow[]) {
    if (place !== null) refused.add(place);
    else if (runId !== null) reserved.add(`${runId} ${operation}`);
    else locality?.noteOutbox();
  }
  const areAllFree = reserved.size === commits.reduce((sum, { hooks = [] }) => sum + hooks.length, 0);
  return commits.map(({ runId, hooks = [], patch }, index) => {
    if (refused.has(index + 1) || !hooks.every(({ operation }) => reserved.has(`${runId} ${operation}`))) return undefined;
    return patch?.release && (hooks.length === 0 || areAllFree) ? RELEASED : COMMITTED;
  });
}

/** What decides how a commit proves that it may be written. */
interface Proof {
  readonly isRetry: boolean;
  /** Whether any of the commits sets attributes, of which a run has so many at most. */
  readonly attributes: boolean;
  /** Whether the caller tells those who await runs that end. */
  readonly tells: boolean;
}

/** Which commits may be written. Their runs are locked from here on. The first part: its first parameters are `$1` to `$6`. */
function gatePart({ bind }: Parameters, commits: readonly Commit[], { isRetry, attributes, tells }: Proof): string {
  const [runs, owners, fences, bases] = leases(commits).map(bind);
  const hasLength = isRetry || commits.some(({ rows }) => rows.length === 0) ? isSoLong : isAtLeastSoLong;
  const reads = bind(plainArray(commits.map(({ consumed }) => consumed?.length ?? 0)));
  const areEnds = bind(plainArray(commits.map(ends)));
  const sets = attributes ? bind(plainArray(commits.map(countOfAttributes))) : null;
  // Those that a run has already count twice, here: where that is too many the commit is looked at alone.
  const fits = `AND (c.sets = 0 OR c.sets + (SELECT count(*) FROM @attributes a WHERE a.run_id = c.run_id) <= ${MAX_ATTRIBUTES})`;
  return `c AS MATERIALIZED (
    SELECT c.place::int4 AS place, c.run_id, c.ends,
      coalesce((SELECT CASE WHEN r.owner = c.owner AND (NOT c.ends OR (r.mail = c.reads${tells ? "" : " AND NOT r.awaited"})) THEN r.fence END
        FROM @runs r WHERE r.id = c.run_id FOR NO KEY UPDATE) = c.fence, false)
      AND ${hasLength("c")} ${sets === null ? "" : fits} AS ok
    FROM unnest(${runs}::uuid[], ${owners}::int8[], ${fences}::int4[], ${bases}::int4[], ${reads}::int4[], ${areEnds}::bool[]${sets === null ? "" : `, ${sets}::int4[]`})
      WITH ORDINALITY AS c(run_id, owner, fence, base, reads, ends${sets === null ? "" : ", sets"}, place)
  ), gate AS MATERIALIZED (SELECT array_agg(ok ORDER BY place) AS ok FROM c)`;
}

/** (What the rows of a commit have in common stands in the parameters once: `$1` and `$3` are the runs and fences of all.) */
function rowsPart({ bind }: Parameters, commits: readonly Commit[]): string {
  const places: number[] = [];
  const seqs: number[] = [];
  const data: Uint8Array[] = [];
  for (const [index, { base, rows }] of commits.entries()) {
    for (let row = 0; row < rows.length; row++) {
      places.push(index + 1);
      seqs.push(base + row + 1);
      data.push(rows[row]!);
    }
  }
  return `written AS (
    INSERT INTO @history (run_id, seq, fence, data) SELECT ($1::uuid[])[i.place], i.seq, ($3::int4[])[i.place], i.data
    FROM unnest(${bind(plainArray(places))}::int4[], ${bind(plainArray(seqs))}::int4[], ${bind(bytesArray(data))}::bytea[]) AS i(place, seq, data)
    WHERE ${PASSED}[i.place]
  )`;
}

/** With how many messages each commit really took: one that was not waiting does not count. */
function consumedPart(parameters: Parameters, consumed: readonly Placed<string>[], count: number): string {
  const at = bindPlaces(parameters, consumed);
  const ids = parameters.bind(textArray(consumed.map(({ value }) => value)));
  return `consumed AS (
    UPDATE @messages m SET payload = NULL FROM unnest(${at}, ${ids}::text[]) AS x(place, run_id, message)
    WHERE m.run_id = x.run_id AND m.message = x.message AND m.payload IS NOT NULL AND ${PASSED}[x.place]
    RETURNING x.place
  ), took AS MATERIALIZED (
    SELECT array_agg(k.reads ORDER BY k.place) AS reads FROM (
      SELECT u.place, sum(u.one)::int4 AS reads FROM (
        SELECT place, 1 AS one FROM consumed UNION ALL SELECT generate_series(1, ${parameters.bind(count)}::int4), 0
      ) u GROUP BY u.place
    ) k
  )`;
}

function disposedPart(parameters: Parameters, disposed: readonly Placed<string>[]): string {
  const at = bindPlaces(parameters, disposed);
  const operations = parameters.bind(textArray(disposed.map(({ value }) => value)));
  return `disposed AS (
    DELETE FROM @hooks h USING unnest(${at}, ${operations}::text[]) AS x(place, run_id, operation)
    WHERE h.run_id = x.run_id AND h.operation = x.operation AND ${PASSED}[x.place]
    RETURNING h.token, h.run_id, h.operation, h.elsewhere
  )`;
}

function reservedPart(parameters: Parameters, reserved: readonly Placed<HookRecord>[]): string {
  const { bind } = parameters;
  const at = bindPlaces(parameters, reserved);
  const tokens = bind(textArray(reserved.map(({ value }) => value.token)));
  const operations = bind(textArray(reserved.map(({ value }) => value.operation)));
  const metadata = bind(bytesArray(reserved.map(({ value }) => value.metadata)));
  return `reserved AS (
    INSERT INTO @hooks (token, run_id, operation, metadata) SELECT x.token, x.run_id, x.operation, x.metadata
    FROM unnest(${at}, ${tokens}::text[], ${operations}::text[], ${metadata}::bytea[]) AS x(place, run_id, token, operation, metadata)
    WHERE ${PASSED}[x.place]
    ON CONFLICT (token) DO NOTHING RETURNING run_id, operation
  )`;
}

/** What a commit writes to one key, and how often. */
interface Writes {
  readonly key: string;
  readonly value: Uint8Array | null;
  readonly count: number;
}

/** A statement writes a row once. */
function lastWrites({ state = [] }: Commit): readonly Writes[] {
  const byKey = new Map<string, Writes>();
  for (const { key, value } of state) byKey.set(key, { key, value, count: (byKey.get(key)?.count ?? 0) + 1 });
  return [...byKey.values()];
}

function publishedPart(parameters: Parameters, published: readonly Placed<Writes>[]): string {
  const { bind } = parameters;
  const at = bindPlaces(parameters, published);
  const keys = bind(textArray(published.map(({ value }) => value.key)));
  const values = bind(bytesArray(published.map(({ value }) => value.value)));
  const counts = bind(plainArray(published.map(({ value }) => value.count)));
  return `published AS (
    INSERT INTO @state AS s (run_id, key, version, value) SELECT x.run_id, x.key, x.count, x.value
    FROM unnest(${at}, ${keys}::text[], ${values}::bytea[], ${counts}::int4[]) AS x(place, run_id, key, value, count)
    WHERE ${PASSED}[x.place]
    ON CONFLICT (run_id, key) DO UPDATE SET version = s.version + excluded.version, value = excluded.value
  )`;
}

/** How many attributes a commit sets. */
function countOfAttributes({ patch }: Commit): number {
  return Object.values(patch?.attributes ?? {}).filter((value) => value !== null).length;
}

/** (`|| ''`: found by the run, whatever the server guesses of how many have the name.) */
function attributeParts(parameters: Parameters, attributes: readonly Placed<readonly [string, AttributeValue | null]>[]): string[] {
  const { bind } = parameters;
  const set = attributes.filter(({ value: [, value] }) => value !== null);
  const removed = attributes.filter(({ value: [, value] }) => value === null);
  const namesOf = (items: typeof attributes): string => bind(textArray(items.map(({ value: [name] }) => name)));
  const parts: string[] = [];
  if (set.length > 0) {
    const [at, names, values] = [
      bindPlaces(parameters, set),
      namesOf(set),
      bind(textArray(set.map(({ value: [, value] }) => attributeText(value!)))),
    ];
    parts.push(`attributed AS (
      INSERT INTO @attributes AS a (run_id, name, value, number)
      SELECT x.run_id, x.name, x.value, (SELECT r.number FROM @runs r WHERE r.id = x.run_id)
      FROM unnest(${at}, ${names}::text[], ${values}::text[]) AS x(place, run_id, name, value)
      WHERE ${PASSED}[x.place]
      ON CONFLICT (run_id, name) DO UPDATE SET value = excluded.value WHERE a.value <> excluded.value
    )`);
  }
  if (removed.length > 0) {
    const [at, names] = [bindPlaces(parameters, removed), namesOf(removed)];
    parts.push(`unattributed AS (
      DELETE FROM @attributes a USING unnest(${at}, ${names}::text[]) AS x(place, run_id, name)
      WHERE a.run_id = x.run_id AND a.name || '' = x.name AND ${PASSED}[x.place]
    )`);
  }
  return parts;
}

/** Tokens whose home is another server are free there, too, once that has been told. */
function freedPart(gone: readonly string[]): string {
  const tokens = gone.map((part) => `SELECT token, run_id, operation FROM ${part} WHERE elsewhere`).join(" UNION ALL ");
  return `freed AS (INSERT INTO @outbox (at, kind, data) SELECT @now, 'free', ${FREED_DATA} FROM (${tokens}) g RETURNING 1)`;
}

/** Whether a commit writes the run's own row. */
function changesRow({ patch, consumed }: Commit): boolean {
  if (patch === undefined || hasAny(consumed)) return hasAny(consumed);
  return patch.attributes === undefined || Object.keys(patch).length > 1;
}

function patchedPart(
  parameters: Parameters,
  commits: readonly Commit[],
  { consumes, hooks }: { readonly consumes: boolean; readonly hooks: number },
): string {
  const { bind } = parameters;
  const patched = placed(commits, (commit) => (changesRow(commit) ? [commit.patch ?? {}] : []));
  const values = patched.map(({ value }) => value);
  const at = bindPlaces(parameters, patched);
  const status = bind(plainArray(values.map((patch) => (ends({ patch }) ? statusNumber(patch.status!) : null))));
  const setsDue = bind(plainArray(values.map(({ dueAt }) => dueAt !== undefined)));
  const due = bind(plainArray(values.map(({ dueAt }) => dueAt ?? null)));
  const setsNote = bind(plainArray(values.map(({ note }) => note !== undefined)));
  const note = bind(textArray(values.map(({ note }) => (note == null ? null : storableText(note)))));
  const setsOutput = bind(plainArray(values.map(({ output }) => output !== undefined)));
  const output = bind(bytesArray(values.map(({ output }) => output ?? null)));
  const releases = bindReleases(parameters, patched, hooks);
  const reads = consumes ? "(SELECT t.reads FROM took t)[p.place]" : "0";
  return `patched AS (
    UPDATE @runs r SET
      status = coalesce(p.status, r.status),
      ended_at = CASE WHEN p.status IS NULL THEN r.ended_at ELSE @now END,
      owner = CASE WHEN p.status IS NULL ${releases.keeps} THEN r.owner END,
      mail = CASE WHEN p.status IS NULL THEN r.mail - ${reads} ELSE 0 END,
      due_at = CASE WHEN p.status IS NOT NULL THEN NULL
        WHEN NOT p.sets_due THEN r.due_at
        WHEN r.mail > ${reads} THEN least(coalesce(p.due_at, @now), @now)
        ELSE p.due_at END,
      note = CASE WHEN p.sets_note THEN p.note ELSE r.note END,
      output = CASE WHEN p.sets_output THEN p.output ELSE r.output END
    FROM unnest(${at}, ${status}::int2[], ${setsDue}::bool[], ${due}::int8[], ${setsNote}::bool[], ${note}::text[], ${setsOutput}::bool[], ${output}::bytea[]${releases.array})
      AS p(place, run_id, status, sets_due, due_at, sets_note, note, sets_output, output${releases.name})
    WHERE r.id = p.run_id AND ${PASSED}[p.place]
  )`;
}

interface Releases {
  /** One more array of the `unnest`, its name, and a condition that holds for runs that keep their owner. */
  readonly array: string;
  readonly name: string;
  readonly keeps: string;
}

/** Which of a batch's hooks were free is known run by run only afterwards: runs with hooks are given back if all of them were. */
function bindReleases({ bind }: Parameters, patched: readonly Placed<RunPatch>[], hooks: number): Releases {
  if (!patched.some(({ value }) => value.release)) return { array: "", name: "", keeps: "" };
  const release = patched.map(({ value, commit }) => (value.release ? (hasAny(commit.hooks) ? 2 : 1) : 0));
  const whole = hooks === 0 ? "" : ` AND NOT (p.release = 2 AND (SELECT count(*) FROM reserved) = ${bind(hooks)}::int8)`;
  return { array: `, ${bind(plainArray(release))}::int2[]`, name: ", release", keeps: `AND p.release <> 1${whole}` };
}

/** An end also takes what only open runs have. It leaves no message: all that there were are consumed by it. */
const ENDED_PARTS = [
  `unhooked AS (DELETE FROM @hooks WHERE run_id = ANY(ARRAY(SELECT run_id FROM c WHERE ok AND ends)) RETURNING token, run_id, operation, elsewhere)`,
  `unawaited AS (DELETE FROM @awaits WHERE run_id = ANY(ARRAY(SELECT run_id FROM c WHERE ok AND ends)))`,
];
