/**
 * What a commit does to hooks, one by one.
 *
 * With several servers, a token whose home is another one was reserved there before the commit (`away.ts`); the row here says that it is `elsewhere`, so that the home is told
 * when the hook goes.
 */

import type { Commit, HookRecord } from "@perdure/world";
import type { Transaction } from "../database/database.ts";
import type { Away, WithAway } from "./away.ts";
import { isHome } from "./locality.ts";
import { send } from "./outbox.ts";

const HOLDER = "SELECT run_id, operation FROM @hooks WHERE token = $1";
const RESERVE = "INSERT INTO @hooks (token, run_id, operation, metadata) VALUES ($1, $2, $3, $4) ON CONFLICT (token) DO NOTHING";
const RESERVE_ELSEWHERE =
  "INSERT INTO @hooks (token, run_id, operation, metadata, elsewhere) VALUES ($1, $2, $3, $4, true) ON CONFLICT (token) DO NOTHING";
const DISPOSE = "DELETE FROM @hooks WHERE run_id = $1 AND operation = ANY($2::text[])";
const DISPOSE_AND_TELL = `${DISPOSE} RETURNING token, operation, elsewhere`;

/** Applies a commit's hooks; returns the operations whose tokens are taken. Releases come first: a turn may free a token and take it again. */
export async function applyHooks(transaction: Transaction, commit: Commit): Promise<string[]> {
  const { runId, hooks = [], disposedHooks = [] } = commit;
  const { away } = commit as WithAway;
  if (disposedHooks.length > 0) await dispose(transaction, runId, disposedHooks, passedBy(hooks, away));
  const conflicts: string[] = [];
  for (const hook of hooks) {
    const isDisposed = disposedHooks.includes(hook.operation);
    const isTaken = isHome(transaction, "token", hook.token)
      ? await isTakenHere(transaction, runId, hook, isDisposed)
      : await isTakenElsewhere(transaction, runId, hook, isDisposed, away);
    if (isTaken) conflicts.push(hook.operation);
  }
  return conflicts;
}

/** A hook that the same commit creates and disposes is never held. */
async function isTakenHere(transaction: Transaction, run: string, hook: HookRecord, isDisposed: boolean): Promise<boolean> {
  if (isDisposed && (await transaction.all(HOLDER, [hook.token])).length === 0) return false;
  if (!isDisposed && (await transaction.run(RESERVE, [hook.token, run, hook.operation, hook.metadata])) === 1) return false;
  return !(await isHeld(transaction, run, hook));
}

async function isTakenElsewhere(
  transaction: Transaction,
  run: string,
  hook: HookRecord,
  isDisposed: boolean,
  away: Away | undefined,
): Promise<boolean> {
  const is = away?.tokens.get(hook.operation)?.is ?? "taken";
  if (is === "taken") return true;
  if (isDisposed || (await transaction.run(RESERVE_ELSEWHERE, [hook.token, run, hook.operation, hook.metadata])) === 1) return false;
  return !(await isHeld(transaction, run, hook));
}

/** The operations that go on with tokens of others of the same run. */
function passedBy(hooks: readonly HookRecord[], away: Away | undefined): ReadonlyMap<string, string> {
  const passed = hooks.filter(({ operation }) => away?.tokens.get(operation)?.is === "passed");
  return new Map(passed.map(({ token, operation }) => [token, operation]));
}

async function dispose(
  transaction: Transaction,
  run: string,
  operations: readonly string[],
  passed: ReadonlyMap<string, string>,
): Promise<void> {
  if (transaction.locality === null) {
    await transaction.run(DISPOSE, [run, operations]);
    return;
  }
  const gone = (await transaction.all(DISPOSE_AND_TELL, [run, operations])) as readonly unknown[] as readonly [string, string, boolean][];
  for (const [token, operation, elsewhere] of gone) {
    const to = passed.get(token);
    if (elsewhere)
      await send(transaction, { kind: "free", data: { token, run, operation, ...(to !== undefined && { to }) }, payload: null });
  }
}

/** Whether this very hook exists. */
export async function isHeld(transaction: Transaction, run: string, { token, operation }: HookRecord): Promise<boolean> {
  const [holder] = await transaction.all(HOLDER, [token]);
  return holder !== undefined && holder[0] === run && holder[1] === operation;
}
