import type { CreatedRun, NewRun, Release } from "@perdure/world";
import type { Transaction } from "../database.ts";
import { addWorker } from "./workers.ts";
import { internName, keyOfRun, keyOfWorker, recordOf } from "./records.ts";

const KEY_OF_KEY = "SELECT id FROM runs WHERE key = ?1";
const ADD_RUN = `
  INSERT INTO runs (fence, owner, due_at, status, workflow, version, created_at, uuid, key)
  VALUES (?1, ?2, ?3, 'running', ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO NOTHING`;
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

function createRun(transaction: Transaction, run: NewRun, owner: string | null, worker: number | null, now: number): CreatedRun {
  const workflow = internName(transaction, run.workflowId);
  const version = internName(transaction, run.version);
  const fence = worker === null ? 0 : 1;
  const dueAt = run.dueAt ?? now;
  const id = transaction.insert(ADD_RUN, [fence, worker, dueAt, workflow, version, now, run.id, run.key]);
  if (id === null) {
    const existing = keyOfRun(transaction, run.id) ?? keyOfKey(transaction, run.key!);
    return { run: recordOf(transaction, existing!), created: false };
  }
  transaction.run(ADD_INPUT, [id, run.input]);
  transaction.key("run", run.id, () => id);
  const { id: uuid, key, workflowId, version: hash, input } = run;
  const open = { status: "running", output: null, note: null, endedAt: null } as const;
  return { run: { id: uuid, key, workflowId, version: hash, input, ...open, dueAt, owner, fence, createdAt: now }, created: true };
}

/** The integer key of the run with this caller's key. */
export function keyOfKey(transaction: Transaction, key: string): number | undefined {
  return transaction.get(KEY_OF_KEY, [key])?.[0] as number | undefined;
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
  }
}
