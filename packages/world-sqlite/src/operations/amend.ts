import type { Amendment, Rewind } from "@perdure/world";
import { answerId, storableText } from "@perdure/world";
import type { Transaction } from "../database.ts";
import { addAwaits } from "./awaits.ts";
import { receive } from "./messages.ts";
import { internName, keyOfRun } from "./records.ts";

const STANDING = `
  SELECT status, fence, successor, v.name, (SELECT coalesce(max(seq), 0) FROM history WHERE run = ?1)
  FROM runs r CROSS JOIN names v ON v.id = r.version WHERE r.id = ?1`;
const COPY = `
  INSERT INTO runs (fence, status, workflow, version, created_at, ended_at, uuid, parent, parent_operation, note)
  SELECT fence, CASE status WHEN 'running' THEN 'cancelled' ELSE status END, workflow, version, ?4, ?4, ?2, uuid, 'rewind', ?3
  FROM runs WHERE id = ?1`;
const COPY_INPUT = "INSERT INTO inputs (run, data) SELECT ?2, data FROM inputs WHERE run = ?1";
const COPY_OUTPUT = "INSERT INTO outputs (run, data) SELECT ?2, data FROM outputs WHERE run = ?1";
const COPY_HISTORY = "INSERT INTO history (run, seq, fence, data) SELECT ?2, seq, fence, data FROM history WHERE run = ?1 ORDER BY seq";
const CUT = "DELETE FROM history WHERE run = ?1 AND seq > ?2";
const HOOKS = "SELECT rowid, operation FROM hooks WHERE run = ?1";
const DROP_HOOK = "DELETE FROM hooks WHERE rowid = ?1";
const AWAITS = "SELECT id, operation FROM awaits WHERE run = ?1";
const DROP_AWAIT = "DELETE FROM awaits WHERE id = ?1";
const MESSAGES = "SELECT id, message, operation FROM messages WHERE run = ?1";
const DROP_MESSAGE = "DELETE FROM messages WHERE id = ?1";
const IS_WAITING = "SELECT 1 FROM messages WHERE run = ?1 AND message = ?2 AND payload IS NOT NULL";
const FORGET = "DELETE FROM messages WHERE run = ?1 AND message = ?2";
const CLEAR_OUTPUT = "DELETE FROM outputs WHERE run = ?1";
const REOPEN = `
  UPDATE runs SET status = 'running', version = ?2, ended_at = NULL, note = NULL, owner = NULL, due_at = ?3, fence = fence + 1, crashes = 0,
    claim_length = (SELECT coalesce(max(seq), 0) FROM history WHERE run = ?1),
    mail = (SELECT count(*) FROM messages WHERE run = ?1 AND payload IS NOT NULL)
  WHERE id = ?1`;

type Standing = readonly [status: string, fence: number, successor: string | null, version: string, length: number];

/** {@link World.amend} */
export function amend(
  transaction: Transaction,
  runId: string,
  { seen, version, rewind }: Amendment,
  now: number,
): "amended" | "changed" | "not_found" {
  const run = keyOfRun(transaction, runId);
  const standing = run === undefined ? undefined : (transaction.get(STANDING, [run]) as Standing | undefined);
  if (run === undefined || standing === undefined) return "not_found";
  const [status, fence, successor, current, length] = standing;
  const isDone = rewind === undefined ? current === version && fence > seen.fence : keyOfRun(transaction, rewind.copy.id) !== undefined;
  if (isDone) return "amended";
  const isAsSeen = status === seen.status && fence === seen.fence && length === (rewind?.length ?? length);
  if (!isAsSeen || successor !== null || (rewind === undefined && status !== "running")) return "changed";
  if (rewind !== undefined) takeBack(transaction, run, rewind, now);
  transaction.run(REOPEN, [run, internName(transaction, version ?? current), now]);
  transaction.run(CLEAR_OUTPUT, [run]);
  for (const message of rewind?.messages ?? []) receive(transaction, run, message, now);
  for (const one of rewind?.awaits ?? []) {
    if (transaction.get(IS_WAITING, [run, answerId(one.operation)]) !== undefined) continue;
    transaction.run(FORGET, [run, answerId(one.operation)]);
    addAwaits(transaction, run, [one], now);
  }
  return "amended";
}

function takeBack(transaction: Transaction, run: number, { keepRows, copy, operations, forgotten, messages }: Rewind, now: number): void {
  const copied = transaction.insert(COPY, [run, copy.id, storableText(copy.note), now])!;
  for (const statement of [COPY_INPUT, COPY_OUTPUT, COPY_HISTORY]) transaction.run(statement, [run, copied]);
  transaction.run(CUT, [run, keepRows]);
  const open = new Set<unknown>(operations);
  for (const [hook, operation] of transaction.all(HOOKS, [run])) if (!open.has(operation)) transaction.run(DROP_HOOK, [hook!]);
  for (const [id, operation] of transaction.all(AWAITS, [run])) if (!open.has(operation)) transaction.run(DROP_AWAIT, [id!]);
  const gone = new Set<unknown>([...forgotten, ...messages.map(({ id }) => id)]);
  for (const [id, message, operation] of transaction.all(MESSAGES, [run])) {
    if (gone.has(message) || (operation !== null && !open.has(operation))) transaction.run(DROP_MESSAGE, [id!]);
  }
}
