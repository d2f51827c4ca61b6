import type { AnswerStatus, Await } from "@perdure/world";
import { ANSWER_KIND, answerId, answerPayload } from "@perdure/world";
import type { Transaction } from "../database/database.ts";
import type { Away } from "./away.ts";
import { holderOfKey } from "./reservations.ts";
import { isLocal } from "./locality.ts";
import { receive, wasDelivered } from "./messages.ts";
import { send } from "./outbox.ts";
import { runParam, statusOf } from "./records.ts";

const ADD = "INSERT INTO @awaits (run_id, operation, awaited) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
const IS_AWAITED = "SELECT 1 FROM @awaits WHERE run_id = $1 AND operation = $2";
/** The lock is what keeps the awaited run from ending unseen, the mark what makes its end look for those who await it. */
const AWAITED = "SELECT status, successor FROM @runs WHERE id = $1 FOR NO KEY UPDATE";
const MARK = "UPDATE @runs SET awaited = true WHERE id = $1 AND NOT awaited";
const STATUS = "SELECT status FROM @runs WHERE id = $1";
const RESULT = "SELECT status, output FROM @runs WHERE id = $1";
const AWAITERS = "SELECT run_id, operation FROM @awaits WHERE awaited = $1 ORDER BY position";
const REMOVE = "DELETE FROM @awaits WHERE awaited = $1";
const FORGET = "DELETE FROM @awaits WHERE run_id = $1";
const FORGET_ONE = "DELETE FROM @awaits WHERE run_id = $1 AND operation = $2";
const MOVE = "UPDATE @awaits SET awaited = $2 WHERE awaited = $1";

/** Notes what a run awaits, if it is open; answers at once where the awaited run is over, or unknown. Returns whether any was answered. */
export async function addAwaits(transaction: Transaction, run: string, awaits: readonly Await[], away?: Away): Promise<boolean> {
  const [row] = await transaction.all(STATUS, [run]);
  if (row === undefined || statusOf(row[0]) !== "running") return false;
  let answered = false;
  for (const { operation, run: by } of awaits) {
    if (await isKnown(transaction, run, operation)) continue;
    const first = "id" in by ? runParam(by.id) : await holderOfKey(transaction, by.key, away);
    if (first !== null && !isLocal(transaction, first)) await askElsewhere(transaction, run, operation, first);
    else if (await addAwait(transaction, run, operation, first)) answered = true;
  }
  return answered;
}

/** Notes what a run on this server or another one awaits here; answers at once when that is over, and returns whether it did. */
export async function addAwait(transaction: Transaction, run: string, operation: string, first: string | null): Promise<boolean> {
  const [awaited, status] = await lastOf(transaction, first);
  if (status === "running") {
    await transaction.run(ADD, [run, operation, awaited]);
    await transaction.run(MARK, [awaited]);
    return false;
  }
  const output = awaited === null ? null : ((await transaction.all(RESULT, [awaited]))[0]![1] as Uint8Array | null);
  await answer(transaction, run, operation, answerPayload(status, output));
  return true;
}

/** The row here keeps the operation from awaiting another run; the one there is what is answered. */
async function askElsewhere(transaction: Transaction, run: string, operation: string, awaited: string): Promise<void> {
  await transaction.run(ADD, [run, operation, awaited]);
  await send(transaction, { kind: "await", data: { run: awaited, by: run, operation }, payload: null });
}

/** What a run on another server was found to have ended with. Nothing when it was told before, or does not await that any more: what it once asked for was taken back. */
export async function receiveAnswer(transaction: Transaction, run: string, operation: string, payload: Uint8Array): Promise<void> {
  if ((await transaction.run(FORGET_ONE, [run, operation])) === 0) return;
  await answer(transaction, run, operation, payload);
}

async function isKnown(transaction: Transaction, run: string, operation: string): Promise<boolean> {
  return (await transaction.all(IS_AWAITED, [run, operation])).length > 0 || wasDelivered(transaction, run, answerId(operation));
}

/** The run that goes on in a run's place in the end (itself, when it has no successor), and how it stands. */
async function lastOf(
  transaction: Transaction,
  first: string | null,
): Promise<[run: string, status: AnswerStatus | "running"] | [run: null, status: "not_found"]> {
  let run = first;
  while (run !== null) {
    const [row] = await transaction.all(AWAITED, [run]);
    if (row === undefined) break;
    const successor = row[1] as string | null;
    if (successor === null) return [run, statusOf(row[0]) as AnswerStatus | "running"];
    run = successor;
  }
  return [null, "not_found"];
}

/** Tells everybody who awaits a run that it is over, if it is; returns whether there was anybody. The run must be locked. */
export async function answerAwaits(transaction: Transaction, ended: string): Promise<boolean> {
  const awaiters = (await transaction.all(AWAITERS, [ended])) as readonly (readonly [string, string])[];
  if (awaiters.length === 0) return false;
  const [row] = await transaction.all(RESULT, [ended]);
  const payload = answerPayload(statusOf(row![0]) as AnswerStatus, row![1] as Uint8Array | null);
  await transaction.run(REMOVE, [ended]);
  for (const [run, operation] of awaiters) await answer(transaction, run, operation, payload);
  return true;
}

/** Takes back what a run awaits: it is over. */
export async function forgetAwaits(transaction: Transaction, run: string): Promise<void> {
  await transaction.run(FORGET, [run]);
}

/** Lets everybody who awaits a run await its successor. */
export async function moveAwaits(transaction: Transaction, run: string, successor: string): Promise<void> {
  if ((await transaction.run(MOVE, [run, successor])) > 0) await transaction.run(MARK, [successor]);
}

async function answer(transaction: Transaction, run: string, operation: string, payload: Uint8Array): Promise<void> {
  if (!isLocal(transaction, run)) return send(transaction, { kind: "answer", data: { run, operation }, payload });
  await receive(transaction, run, { id: answerId(operation), kind: ANSWER_KIND, operation, payload });
}
