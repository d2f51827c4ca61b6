import type { Amendment, Rewind } from "@perdure/world";
import { answerId, storableText } from "@perdure/world";
import { plainArray, textArray } from "../database/arrays.ts";
import type { Transaction } from "../database/database.ts";
import { addAwaits } from "./awaits.ts";
import { receive } from "./messages.ts";
import { nameId, namesPart } from "./names.ts";
import { FREED_DATA } from "./outbox.ts";
import { runParam, statusOf } from "./records.ts";

const STANDING = `
  SELECT status, fence, successor, version = $2, coalesce((SELECT max(h.seq) FROM @history h WHERE h.run_id = $1), 0) FROM @runs WHERE id = $1`;
/** Before anything is read: a commit that it waits for may have changed all of it. */
const LOCK = "SELECT 1 FROM @runs WHERE id = $1 FOR NO KEY UPDATE";
const EXISTS = "SELECT 1 FROM @runs WHERE id = $1";
const COPY = `
  INSERT INTO @runs (id, workflow, version, input, output, fence, status, created_at, ended_at, parent, parent_operation, note)
  SELECT $2, workflow, version, input, output, fence, CASE status WHEN 0 THEN 3 ELSE status END, @now, @now, id, 'rewind', $3 FROM @runs WHERE id = $1`;
const COPY_HISTORY =
  "INSERT INTO @history (run_id, seq, fence, data) SELECT $2, seq, fence, data FROM @history WHERE run_id = $1 ORDER BY seq";
const CUT = "DELETE FROM @history WHERE run_id = $1 AND seq > $2";
const DROP_HOOKS = "DELETE FROM @hooks WHERE run_id = $1 AND NOT operation = ANY($2::text[])";
const FREE_HOOKS = `
  WITH gone AS (${DROP_HOOKS} RETURNING token, run_id, operation, elsewhere)
  INSERT INTO @outbox (at, kind, data) SELECT @now, 'free', ${FREED_DATA} FROM gone WHERE elsewhere`;
const DROP_AWAITS = "DELETE FROM @awaits WHERE run_id = $1 AND NOT operation = ANY($2::text[])";
const DROP_MESSAGES = "DELETE FROM @messages WHERE run_id = $1 AND (NOT operation = ANY($2::text[]) OR message = ANY($3::text[]))";
const IS_WAITING = "SELECT 1 FROM @messages WHERE run_id = $1 AND message = $2 AND payload IS NOT NULL";
const FORGET = "DELETE FROM @messages WHERE run_id = $1 AND message = $2";
const ADD_NAME = namesPart("$1", "$2");
const REOPEN = `
  UPDATE @runs SET status = 0, version = coalesce($2::int8, version), ended_at = NULL, output = NULL, note = NULL, owner = NULL, due_at = @now, fence = fence + 1, crashes = 0,
    claim_length = coalesce((SELECT max(h.seq) FROM @history h WHERE h.run_id = $1), 0),
    mail = (SELECT count(*) FROM @messages m WHERE m.run_id = $1 AND m.payload IS NOT NULL)
  WHERE id = $1`;

/** {@link World.amend} */
export async function amend(
  transaction: Transaction,
  runId: string,
  { seen, version, rewind }: Amendment,
): Promise<"amended" | "changed" | "not_found"> {
  const run = runParam(runId);
  if (run === null || (await transaction.all(LOCK, [run])).length === 0) return "not_found";
  const wanted = version === undefined ? null : nameId(version);
  const [row] = await transaction.all(STANDING, [run, wanted]);
  const [status, fence, successor, hasVersion, length] = row as unknown as readonly [number, number, string | null, boolean | null, number];
  const isDone =
    rewind === undefined ? hasVersion === true && fence > seen.fence : (await transaction.all(EXISTS, [rewind.copy.id])).length > 0;
  if (isDone) return "amended";
  const isAsSeen = statusOf(status) === seen.status && fence === seen.fence && length === (rewind?.length ?? length);
  if (!isAsSeen || successor !== null || (rewind === undefined && statusOf(status) !== "running")) return "changed";
  if (version !== undefined) await transaction.run(ADD_NAME, [plainArray([nameId(version)]), textArray([version])]);
  if (rewind !== undefined) await takeBack(transaction, run, rewind);
  await transaction.run(REOPEN, [run, wanted]);
  for (const message of rewind?.messages ?? []) await receive(transaction, run, message);
  for (const one of rewind?.awaits ?? []) {
    if ((await transaction.all(IS_WAITING, [run, answerId(one.operation)])).length > 0) continue;
    await transaction.run(FORGET, [run, answerId(one.operation)]);
    await addAwaits(transaction, run, [one]);
  }
  return "amended";
}

async function takeBack(transaction: Transaction, run: string, rewind: Rewind): Promise<void> {
  const { keepRows, copy, operations, forgotten, messages } = rewind;
  await transaction.run(COPY, [run, copy.id, storableText(copy.note)]);
  await transaction.run(COPY_HISTORY, [run, copy.id]);
  await transaction.run(CUT, [run, keepRows]);
  const open = textArray(operations);
  if (transaction.locality === null) await transaction.run(DROP_HOOKS, [run, open]);
  else if ((await transaction.run(FREE_HOOKS, [run, open])) > 0) transaction.locality.noteOutbox();
  await transaction.run(DROP_AWAITS, [run, open]);
  await transaction.run(DROP_MESSAGES, [run, open, textArray([...forgotten, ...messages.map(({ id }) => id)])]);
}
