import type { Commit, CreatedRun, NewRun, Release, RunPatch, RunRecord } from "@perdure/world";
import { attributeTexts, firstCommit, storableText, toAttributes } from "@perdure/world";
import { bytesArray, plainArray, textArray } from "../database/arrays.ts";
import type { Statement, Transaction } from "../database/database.ts";
import { COMMITTED, RELEASED } from "./append.ts";
import type { Away, WithAway } from "./away.ts";
import { endOpenRun } from "./end.ts";
import { claimKey, takeKey, tellHome } from "./keys.ts";
import { nameId, namesPart } from "./names.ts";
import { recordById, recordByKey, workerId } from "./records.ts";

/** What of the runs' beginnings is written with them. */
interface Begins {
  readonly any: boolean;
  readonly hooks: boolean;
}

/**
 * Inserts what does not exist. A conflict of any kind leaves a run out; what is in its way is looked up afterwards. The row of the owner is there for its
 * name alone: without it the owner counts as dead, as it does with a lease that is over.
 * A token that is taken, which a run was to begin with, fails the statement.
 */
const insertText = ({ any, hooks }: Begins): string => `
  WITH i AS (
    INSERT INTO @runs (id, key, workflow, version, input, due_at, owner, fence, created_at, parent, parent_operation${any ? ", note" : ""})
    SELECT n.id, n.key, n.workflow, n.version, n.input, ${any ? "CASE WHEN n.sets_due THEN n.due_at ELSE coalesce(n.due_at, @now) END" : "coalesce(n.due_at, @now)"},
      ${any ? "CASE WHEN n.released THEN NULL ELSE $10::int8 END" : "$10"}, CASE WHEN $10::int8 IS NULL THEN 0 ELSE 1 END, @now, n.parent, n.operation${any ? ", n.note" : ""}
    FROM unnest($1::uuid[], $2::text[], $3::int8[], $4::int8[], $5::bytea[], $6::int8[], $7::uuid[], $8::text[]${any ? ", $13::bool[], $14::text[], $15::bool[]" : ""})
      WITH ORDINALITY AS n(id, key, workflow, version, input, due_at, parent, operation${any ? ", sets_due, note, released" : ""}, place)
    ORDER BY n.place
    ON CONFLICT DO NOTHING RETURNING id, number, due_at, created_at
  ), w AS (
    INSERT INTO @workers (id, name, lease_until) SELECT $10, $9, 0 WHERE $10::int8 IS NOT NULL ON CONFLICT DO NOTHING
  ), s AS (${namesPart("$11", "$12")}
  )${any ? BEGUN_ROWS : ""}${hooks ? BEGUN_HOOKS : ""}
  SELECT id, number, due_at, created_at FROM i`;
const BEGUN_ROWS = `, h AS (
    INSERT INTO @history (run_id, seq, fence, data) SELECT b.run_id, b.seq, 1, b.data
    FROM unnest($16::uuid[], $17::int4[], $18::bytea[]) AS b(run_id, seq, data) WHERE b.run_id IN (SELECT id FROM i)
  )`;
const BEGUN_HOOKS = `, k AS (
    INSERT INTO @hooks (token, run_id, operation, metadata) SELECT x.token, x.run_id, x.operation, x.metadata
    FROM unnest($19::text[], $20::uuid[], $21::text[], $22::bytea[]) AS x(token, run_id, operation, metadata) WHERE x.run_id IN (SELECT id FROM i)
  )`;
const INSERT = insertText({ any: false, hooks: false });
const INSERT_BEGUN = insertText({ any: true, hooks: false });
const INSERT_BEGUN_WITH_HOOKS = insertText({ any: true, hooks: true });

const ADD_ATTRIBUTES = `
  INSERT INTO @attributes (run_id, name, value, number)
  SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::int8[])`;

const LOSE_KEY = "UPDATE @runs SET key = NULL WHERE id = $1";
const KEEPER = "SELECT id FROM @runs WHERE key = $1 FOR NO KEY UPDATE";
const EXISTS = "SELECT 1 FROM @runs WHERE id = $1";

/** `+ 0`: found by id, whatever the server guesses of the owner's runs. */
const RELEASE = `
  UPDATE @runs r SET owner = NULL,
    due_at = CASE WHEN NOT l.sets THEN r.due_at WHEN r.mail > 0 THEN least(coalesce(l.due_at, @now), @now) ELSE l.due_at END
  FROM unnest($2::uuid[], $3::int4[], $4::bool[], $5::int8[]) AS l(id, fence, sets, due_at)
  WHERE r.id = l.id AND r.owner + 0 = $1 AND r.fence = l.fence`;

/** (Fence 0 is nobody's.) */
const ADD_HISTORY = `
  INSERT INTO @history (run_id, seq, fence, data)
  SELECT $1, n.seq, 0, n.data FROM unnest($2::bytea[]) WITH ORDINALITY AS n(data, seq)`;

type Inserted = readonly [id: string, number: number, dueAt: number | null, createdAt: number];

/** The beginnings of runs, by their ids, as far as the statement can write them that inserts the runs. */
export type Firsts = ReadonlyMap<string, Commit>;

const NO_FIRSTS: Firsts = new Map();

export function firstsOf({ locality }: Pick<Transaction, "locality">, runs: readonly NewRun[], owner: string | null): Firsts {
  if (locality !== null || !runs.some(({ beginning }) => beginning !== undefined)) return NO_FIRSTS;
  const firsts = new Map<string, Commit>();
  const seen = new Set<string>(); // the same id once more in this call exists already
  for (const run of runs) {
    const first = seen.has(run.id) ? null : firstCommit(run, owner);
    seen.add(run.id);
    if (first !== null && isOfOpenRun(first.patch ?? {})) firsts.set(run.id, first);
  }
  return firsts;
}

function isOfOpenRun({ status, output, attributes }: RunPatch): boolean {
  return status === undefined && output === undefined && attributes === undefined;
}

/** (A beginning may say that a run is due at no time.) */
function dueAtOf({ dueAt }: NewRun, first: Commit | undefined): number | null {
  return first?.patch?.dueAt === undefined ? dueAt : first.patch.dueAt;
}

/** What a run was begun with that was inserted with its beginning. */
export function begunOf({ patch }: Commit): NonNullable<CreatedRun["begun"]> {
  return patch?.release ? RELEASED : COMMITTED;
}

/**
 * Inserts runs that nobody has to be asked about; returns the records of those that were created, by id.
 * @param firsts what they begin with
 */
export async function insertRuns(
  transaction: Transaction,
  runs: readonly NewRun[],
  owner: string | null,
  firsts: Firsts = NO_FIRSTS,
): Promise<Map<string, RunRecord>> {
  const names = [...new Set([...runs.map(({ workflowId }) => workflowId), ...runs.map(({ version }) => version)])];
  const { template, values } = beginnings(runs, firsts);
  const rows = (await transaction.all(template, [
    plainArray(runs.map(({ id }) => id)),
    textArray(runs.map(({ key }) => key)),
    plainArray(runs.map(({ workflowId }) => nameId(workflowId))),
    plainArray(runs.map(({ version }) => nameId(version))),
    bytesArray(runs.map(({ input }) => input)),
    plainArray(runs.map((run) => dueAtOf(run, firsts.get(run.id)))),
    plainArray(runs.map(({ parent }) => parent?.runId ?? null)),
    textArray(runs.map(({ parent }) => parent?.operation ?? null)),
    owner,
    owner === null ? null : workerId(owner),
    plainArray(names.map(nameId)),
    textArray(names),
    ...values,
  ])) as readonly unknown[] as readonly Inserted[];
  const inserted = new Map(rows.map((row) => [row[0], row]));
  const created = new Map<string, RunRecord>();
  const attributes: [string, string, string, number][] = [];
  for (const run of runs) {
    const row = inserted.get(run.id);
    if (row === undefined || created.has(run.id)) continue;
    const texts = run.attributes === undefined ? [] : attributeTexts(run.attributes);
    for (const [name, text] of texts) attributes.push([run.id, name, text, row[1]]);
    created.set(run.id, newRecord(run, owner, row, texts, firsts.get(run.id)?.patch));
    if (run.history !== undefined && run.history.length > 0) await transaction.run(ADD_HISTORY, [run.id, bytesArray(run.history)]);
  }
  if (attributes.length > 0) {
    await transaction.run(ADD_ATTRIBUTES, [
      plainArray(attributes.map(([id]) => id)),
      textArray(attributes.map(([, name]) => name)),
      textArray(attributes.map(([, , text]) => text)),
      plainArray(attributes.map(([, , , number]) => number)),
    ]);
  }
  return created;
}

/** The statement for runs with these beginnings, and its parameters behind those that all runs have. */
function beginnings(runs: readonly NewRun[], firsts: Firsts): Statement {
  if (firsts.size === 0) return { template: INSERT, values: [] };
  const patches = runs.map(({ id }) => firsts.get(id)?.patch);
  const commits = [...firsts.values()];
  const rows = commits.flatMap(({ runId, rows }) => rows.map((data, index) => ({ runId, seq: index + 1, data })));
  const hooks = commits.flatMap(({ runId, hooks = [] }) => hooks.map((hook) => ({ runId, ...hook })));
  const values = [
    plainArray(patches.map((patch) => patch?.dueAt !== undefined)),
    textArray(patches.map((patch) => (patch?.note == null ? null : storableText(patch.note)))),
    plainArray(patches.map((patch) => patch?.release === true)),
    plainArray(rows.map(({ runId }) => runId)),
    plainArray(rows.map(({ seq }) => seq)),
    bytesArray(rows.map(({ data }) => data)),
  ];
  if (hooks.length === 0) return { template: INSERT_BEGUN, values };
  const [tokens, operations] = [hooks.map(({ token }) => token), hooks.map(({ operation }) => operation)];
  values.push(
    textArray(tokens),
    plainArray(hooks.map(({ runId }) => runId)),
    textArray(operations),
    bytesArray(hooks.map(({ metadata }) => metadata)),
  );
  return { template: INSERT_BEGUN_WITH_HOOKS, values };
}

function newRecord(
  run: NewRun,
  owner: string | null,
  row: Inserted,
  texts: readonly (readonly [string, string])[],
  { note = null, release = false }: RunPatch = {},
): RunRecord {
  const { id, key, workflowId, version, input } = run;
  return {
    id,
    key,
    workflowId,
    version,
    input,
    parent: run.parent ? { runId: run.parent.runId, operation: run.parent.operation } : null,
    attributes: toAttributes(texts),
    status: "running",
    output: null,
    note: note === null ? null : storableText(note),
    endedAt: null,
    successor: null,
    dueAt: row[2] === null ? null : Number(row[2]),
    owner: release ? null : owner,
    fence: owner === null ? 0 : 1,
    createdAt: Number(row[3]),
  };
}

/** Whether the runs can be created by one statement: none replaces another, and none needs a second table. */
export function isPlain({ locality }: Pick<Transaction, "locality">, runs: readonly NewRun[]): boolean {
  return runs.every(
    ({ key, ifKeyExists, attributes, history }) =>
      (key === null || (locality === null && ifKeyExists !== "replace")) && attributes === undefined && history === undefined,
  );
}

/** {@link World.createRuns}, one run after another as far as they can meet. */
export async function createRuns(transaction: Transaction, runs: readonly NewRun[], owner: string | null): Promise<CreatedRun[]> {
  const oneByOne = runs.some(({ key, ifKeyExists }) => key !== null && (transaction.locality !== null || ifKeyExists === "replace"));
  if (oneByOne) {
    const results: CreatedRun[] = [];
    for (const run of runs) results.push(await createRun(transaction, run, owner, (run as WithAway).away));
    return results;
  }
  const created = await insertRuns(transaction, runs, owner);
  const results: CreatedRun[] = [];
  for (const run of runs) {
    const record = created.get(run.id);
    created.delete(run.id); // the same id once more in this call exists already
    results.push(record === undefined ? await existing(transaction, run, owner) : { run: record, created: true, replaced: null });
  }
  return results;
}

/** Creates one run, or finds the one that exists. */
export async function createRun(transaction: Transaction, run: NewRun, owner: string | null, away?: Away): Promise<CreatedRun> {
  if (transaction.locality !== null && run.key !== null) return createKeyed(transaction, run, owner, away);
  const replaced = run.ifKeyExists === "replace" && run.key !== null ? await replace(transaction, run) : null;
  const record = (await insertRuns(transaction, [run], owner)).get(run.id);
  if (record !== undefined) return { run: record, created: true, replaced };
  const found = await existing(transaction, run, owner);
  // Another one took the key meanwhile, which is to lose it too. (Whom this one replaced before, it did not replace after all: its place was taken.)
  const lost = !found.created && found.run.id !== run.id && run.ifKeyExists === "replace";
  return lost ? createRun(transaction, run, owner) : found;
}

/** The run that is in the way of a new one lives on another server. */
export interface Held {
  readonly heldBy: string;
}

/** A result that the caller completes with the record of that run (`shards/commits.ts`). */
function heldElsewhere(heldBy: string): CreatedRun & Held {
  return { run: null as unknown as RunRecord, created: false, replaced: null, heldBy };
}

/** With several servers, who has the key is settled first. */
async function createKeyed(transaction: Transaction, run: NewRun, owner: string | null, away: Away | undefined): Promise<CreatedRun> {
  const known = await recordById(transaction, run.id);
  if (known !== null) return { run: known, created: false, replaced: null };
  const { replaceOutput = null } = run;
  const key = run.key!;
  const replaces = run.ifKeyExists === "replace";
  let replaced: string | null = null;
  if (replaces) replaced = await takeKey(transaction, key, run.id, replaceOutput);
  else {
    const holder = await claimKey(transaction, key, run.id, away);
    const found = holder === run.id ? null : await recordById(transaction, holder);
    if (found !== null) return { run: found, created: false, replaced: null };
    if (holder !== run.id) return heldElsewhere(holder);
  }
  const record = await insertRun(transaction, run, owner);
  if (record !== null) {
    if (replaces) await tellHome(transaction, key, run.id, replaceOutput);
    return { run: record, created: true, replaced };
  }
  // Another one came in between: it has the id, or the key, which is then to be settled with it.
  return createKeyed(transaction, run, owner, away);
}

/** Inserts a run whose key nobody else has; null when its id exists. */
export async function insertRun(transaction: Transaction, run: NewRun, owner: string | null): Promise<RunRecord | null> {
  return (await insertRuns(transaction, [run], owner)).get(run.id) ?? null;
}

/** What is in the way of a new run. When it went away just now, the run is created after all. */
async function existing(transaction: Transaction, run: NewRun, owner: string | null): Promise<CreatedRun> {
  const found = (await recordById(transaction, run.id)) ?? (run.key === null ? null : await recordByKey(transaction, run.key));
  return found === null ? createRun(transaction, run, owner) : { run: found, created: false, replaced: null };
}

/** Takes the key of a run that is really new from the run that has it, which is ended if it is open; returns that run's id, or null. */
async function replace(transaction: Transaction, { id, key, replaceOutput = null }: NewRun): Promise<string | null> {
  if ((await transaction.all(EXISTS, [id])).length > 0) return null;
  const [row] = await transaction.all(KEEPER, [key]);
  if (row === undefined) return null;
  const holder = row[0] as string;
  await endOpenRun(transaction, holder, { status: "cancelled", output: replaceOutput, note: `replaced by ${id}` });
  await transaction.run(LOSE_KEY, [holder]);
  return holder;
}

/** {@link World.release} */
export async function release(transaction: Transaction, worker: string, leases: readonly Release[]): Promise<void> {
  await transaction.run(RELEASE, [
    workerId(worker),
    plainArray(leases.map(({ runId }) => runId)),
    plainArray(leases.map(({ fence }) => fence)),
    plainArray(leases.map(({ dueAt }) => dueAt !== undefined)),
    plainArray(leases.map(({ dueAt }) => dueAt ?? null)),
  ]);
}
