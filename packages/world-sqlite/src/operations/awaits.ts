import type { AnswerStatus, Await } from "@perdure/world";
import { ANSWER_KIND, answerId, answerPayload } from "@perdure/world";
import type { Transaction } from "../database.ts";
import { receive, wasDelivered } from "./messages.ts";
import { keyOfKey, keyOfRun } from "./records.ts";

const IS_AWAITED = "SELECT 1 FROM awaits WHERE run = ?1 AND operation = ?2";
const ADD = "INSERT INTO awaits (run, operation, awaited) VALUES (?1, ?2, ?3)";
const STANDING = "SELECT status, successor FROM runs WHERE id = ?1";
const OUTPUT = "SELECT data FROM outputs WHERE run = ?1";
const AWAITERS = "SELECT run, operation FROM awaits WHERE awaited = ?1 ORDER BY id";
const REMOVE = "DELETE FROM awaits WHERE awaited = ?1";
const FORGET = "DELETE FROM awaits WHERE run = ?1";
const ANY = "SELECT 1 FROM awaits WHERE id > 0 LIMIT 1";
const AROUND = "SELECT EXISTS (SELECT 1 FROM awaits WHERE run = ?1), EXISTS (SELECT 1 FROM awaits WHERE awaited = ?1)";
const MOVE = "UPDATE awaits SET awaited = ?2 WHERE awaited = ?1";

/** Notes what a run awaits, if it is open; answers at once where the awaited run is over, or unknown. Returns whether any was answered. */
export function addAwaits(transaction: Transaction, run: number, awaits: readonly Await[], now: number): boolean {
  if (transaction.get(STANDING, [run])?.[0] !== "running") return false;
  let answered = false;
  for (const { operation, run: by } of awaits) {
    if (transaction.get(IS_AWAITED, [run, operation]) !== undefined || wasDelivered(transaction, run, answerId(operation))) continue;
    const first = "id" in by ? keyOfRun(transaction, by.id) : keyOfKey(transaction, by.key);
    const [awaited, status] = lastOf(transaction, first);
    if (status === "running") {
      transaction.run(ADD, [run, operation, awaited]);
      continue;
    }
    answer(transaction, run, operation, answerPayload(status, awaited === null ? null : outputOf(transaction, awaited)), now);
    answered = true;
  }
  return answered;
}

/** The run that goes on in a run's place in the end (itself, when it has no successor), and how it stands. */
function lastOf(
  transaction: Transaction,
  first: number | undefined,
): [run: number, status: AnswerStatus | "running"] | [run: null, status: "not_found"] {
  let run = first;
  while (run !== undefined) {
    const standing = transaction.get(STANDING, [run]) as readonly [AnswerStatus | "running", string | null] | undefined;
    if (standing === undefined) break;
    const [status, successor] = standing;
    if (successor === null) return [run, status];
    run = keyOfRun(transaction, successor);
  }
  return [null, "not_found"];
}

/** Tells everybody who awaits a run that it is over, if it is; returns whether there was anybody. */
export function answerAwaits(transaction: Transaction, ended: number, now: number): boolean {
  const awaiters = transaction.all(AWAITERS, [ended]) as readonly (readonly [number, string])[];
  if (awaiters.length === 0) return false;
  const status = transaction.get(STANDING, [ended])![0] as AnswerStatus;
  const payload = answerPayload(status, outputOf(transaction, ended));
  transaction.run(REMOVE, [ended]);
  for (const [run, operation] of awaiters) answer(transaction, run, operation, payload, now);
  return true;
}

/** Whether any run awaits another one. A batch asks once: most ends then cost nothing more than without awaits. */
export function isAnyAwaited(transaction: Transaction): boolean {
  return transaction.get(ANY, []) !== undefined;
}

/** Whether a run awaits others, and whether others await it. */
export function awaitsAround(transaction: Transaction, run: number): { awaits: boolean; isAwaited: boolean } {
  const [awaits, isAwaited] = transaction.get(AROUND, [run])!;
  return { awaits: awaits === 1, isAwaited: isAwaited === 1 };
}

/** Takes back what a run awaits: it is over. */
export function forgetAwaits(transaction: Transaction, run: number): void {
  transaction.run(FORGET, [run]);
}

/** Lets everybody who awaits a run await its successor. */
export function moveAwaits(transaction: Transaction, run: number, successor: number): void {
  transaction.run(MOVE, [run, successor]);
}

function outputOf(transaction: Transaction, run: number): Uint8Array | null {
  return (transaction.get(OUTPUT, [run])?.[0] as Uint8Array | undefined) ?? null;
}

function answer(transaction: Transaction, run: number, operation: string, payload: Uint8Array, now: number): void {
  receive(transaction, run, { id: answerId(operation), kind: ANSWER_KIND, operation, payload }, now);
}
