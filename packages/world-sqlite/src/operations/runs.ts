import type { CreatedRun, NewRun, Release } from "@perdure/world";
import { attributeTexts, toAttributes } from "@perdure/world";
import type { Transaction } from "../database.ts";
import { setAttributes } from "./attributes.ts";
import { endOpenRun } from "./end.ts";
import { addWorker } from "./workers.ts";
import { internName, keyOfKey, keyOfRun, keyOfWorker, recordOf } from "./records.ts";

const ADD_RUN = `
  INSERT INTO runs (fence, owner, due_at, status, workflow, version, created_at, uuid, key, parent, parent_operation)
  VALUES (?1, ?2, ?3, 'running', ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT DO NOTHING`;
const LOSE_KEY = "UPDATE runs SET key = NULL WHERE id = ?1 RETURNING uuid";
/** (Fence 0 is nobody's.) */
const ADD_ROW = "INSERT INTO history (run, seq, fence, data) VALUES (?1, ?2, 0, ?3)";
const ADD_INPUT = "INSERT INTO inputs (run, data) VALUES (?1, ?2)";

const RELEASE = "UPDATE runs SET owner = NULL WHERE id = ?1 AND owner = ?2 AND fence = ?3";
const RELEASE_UNTIL = `
  UPDATE runs SET owner = NULL, due_at = CASE WHEN mail > 0 THEN min(coalesce(?4, ?5), ?5) ELSE ?4 END
  WHERE id = ?1 AND owner = ?2 AND fence = ?3`;

/** {@link World.createRuns} */
export function createRuns(transaction: Transaction, runs: readonly NewRun[], owner: string | null, now: number): CreatedRun[] {
  const worker = owner === null ? null : (keyOfWorker(transaction, owner) ?? addWorker(transaction, owner));
  return runs.map((run) => createRun(transaction, run, owner, worker, now));
}

/** Creates one run, for a worker or for nobody, or finds the one that exists. */
export function createRun(transaction: Transaction, run: NewRun, owner: string | null, worker: number | null, now: number): CreatedRun {
  const replaced = run.ifKeyExists === "replace" ? replace(transaction, run, now) : null;
  const workflow = internName(transaction, run.workflowId);
  const version = internName(transaction, run.version);
  const fence = worker === null ? 0 : 1;
  const dueAt = run.dueAt ?? now;
  const parent = run.parent ? { runId: run.parent.runId, operation: run.parent.operation } : null;
  const attributes = run.attributes === undefined ? {} : toAttributes(attributeTexts(run.attributes));
  const from = [parent?.runId ?? null, parent?.operation ?? null];
  const id = transaction.insert(ADD_RUN, [fence, worker, dueAt, workflow, version, now, run.id, run.key, ...from]);
  if (id === null) {
    const existing = keyOfRun(transaction, run.id) ?? keyOfKey(transaction, run.key!);
    return { run: recordOf(transaction, existing!), created: false, replaced: null };
  }
  transaction.run(ADD_INPUT, [id, run.input]);
  if (run.history !== undefined) for (const [index, data] of run.history.entries()) transaction.run(ADD_ROW, [id, index + 1, data]);
  setAttributes(transaction, id, attributes);
  transaction.key("run", run.id, () => id);
  const { id: uuid, key, workflowId, version: hash, input } = run;
  const open = { status: "running", output: null, note: null, endedAt: null, successor: null } as const;
  // One spread: with a second one V8 takes 20 µs for this object, more than SQLite for the run.
  const record = { id: uuid, key, workflowId, version: hash, input, parent, attributes, ...open, dueAt, owner, fence, createdAt: now };
  return { run: record, created: true, replaced };
}

/** Takes the key of a run that is really new from the run that has it, which is ended if it is open; returns that run's id, or null. */
function replace(transaction: Transaction, { id, key, replaceOutput = null }: NewRun, now: number): string | null {
  const holder = key === null || keyOfRun(transaction, id) !== undefined ? undefined : keyOfKey(transaction, key);
  if (holder === undefined) return null;
  endOpenRun(transaction, holder, { status: "cancelled", output: replaceOutput, note: `replaced by ${id}` }, now);
  return transaction.get(LOSE_KEY, [holder])![0] as string;
}

/** {@link World.release} */
export function release(transaction: Transaction, worker: string, leases: readonly Release[], now: number): void {
  const owner = keyOfWorker(transaction, worker);
  if (owner === undefined) return;
  for (const { runId, fence, dueAt } of leases) {
    const run = keyOfRun(transaction, runId);
    if (run === undefined) continue;
    if (dueAt === undefined) transaction.run(RELEASE, [run, owner, fence]);
    else transaction.run(RELEASE_UNTIL, [run, owner, fence, dueAt, now]);
    transaction.forgetRun(runId);
  }
}
