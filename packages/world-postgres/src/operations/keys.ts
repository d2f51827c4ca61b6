/**
 * Who has a key, where there are several servers. Each key has a home, whose table is the truth; the key in the row of a run is a copy, from which it is found on its
 * own server. A run of the home takes its key in its own transaction; one of another server brings a reservation along (`away.ts`).
 */

import type { Transaction } from "../database/database.ts";
import type { Away } from "./away.ts";
import { endOpenRun } from "./end.ts";
import { isHome, isLocal } from "./locality.ts";
import { send } from "./outbox.ts";
import { reservationLost, USE, useReservation } from "./reservations.ts";

const LOCK_KEEPER = "SELECT id FROM @runs WHERE key = $1 FOR NO KEY UPDATE";
const HOLDER = "SELECT run_id, reservation FROM @keys WHERE key = $1";
const LOCK_HOLDER = "SELECT run_id FROM @keys WHERE key = $1 FOR UPDATE";
const ADD = "INSERT INTO @keys (key, run_id) VALUES ($1, $2) ON CONFLICT (key) DO NOTHING";
const GIVE = "UPDATE @keys SET run_id = $2, reservation = NULL, reserved_at = NULL WHERE key = $1";
const MOVE = `${GIVE} AND run_id = $3`;
/** A run that was removed, with all that it had. */
const REMOVE_DEAD = "DELETE FROM @keys k WHERE key = $1 AND run_id = $2 AND NOT EXISTS (SELECT 1 FROM @runs r WHERE r.id = k.run_id)";
const REPLACED = "SELECT replaced FROM @reservations WHERE id = $1";
const SET_REPLACED = "UPDATE @reservations SET replaced = $2 WHERE id = $1";
const LOSE = "UPDATE @runs SET key = NULL WHERE id = $1 AND key = $2";
const LOSE_OTHERS = "UPDATE @runs SET key = NULL WHERE key = $1 AND id <> $2";
const SUCCESSOR = "SELECT successor FROM @runs WHERE id = $1 FOR NO KEY UPDATE";

/** Gives a key to a new run of this server, if nobody else has it; returns who has it then. */
export async function claimKey(transaction: Transaction, key: string, run: string, away: Away | undefined): Promise<string> {
  const holder = isHome(transaction, "key", key)
    ? await claimAtHome(transaction, key, run, away)
    : await claimElsewhere(transaction, key, run, away);
  // What another run's row still says is out of date.
  if (holder === run) await transaction.run(LOSE_OTHERS, [key, run]);
  return holder;
}

async function claimElsewhere(transaction: Transaction, key: string, run: string, away: Away | undefined): Promise<string> {
  const holder = away?.keys.get(key);
  if (holder == null) throw reservationLost();
  const { runId, reservation } = holder;
  if (runId === run && reservation !== null && !(await useReservation(transaction, reservation))) throw reservationLost();
  return runId;
}

/** A commit may only be told of a run on another server that is there: of a reservation that came just now that is not known. (A creation looks for the run.) */
async function claimAtHome(transaction: Transaction, key: string, run: string, away: Away | undefined): Promise<string> {
  for (;;) {
    if ((await transaction.run(ADD, [key, run])) === 1) return run;
    const [row] = await transaction.all(HOLDER, [key]);
    const [holder, reservation] = (row ?? []) as readonly [string?, (string | null)?];
    if (holder === undefined) continue;
    if (
      holder !== run &&
      !isLocal(transaction, holder) &&
      reservation != null &&
      away?.isCommit &&
      away.keys.get(key)?.living !== reservation
    )
      throw reservationLost();
    if (holder === run || !isLocal(transaction, holder)) return holder;
    if ((await transaction.run(REMOVE_DEAD, [key, holder])) === 0) return holder;
  }
}

/** Takes a key for a new run of this server from whoever has it, who is to end; returns that run if it is known here. */
export async function takeKey(transaction: Transaction, key: string, by: string, output: Uint8Array | null): Promise<string | null> {
  const keeper = ((await transaction.all(LOCK_KEEPER, [key]))[0]?.[0] as string | undefined) ?? null;
  if (keeper !== null && keeper !== by) await replaceHere(transaction, key, keeper, by, output);
  if (isHome(transaction, "key", key)) return (await takeAtHome(transaction, key, by, output)) ?? keeper;
  await send(transaction, { kind: "take", data: { key, by }, payload: output });
  return keeper;
}

/** At the key's home: a run of any server takes the key, once. Returns who had it, again and again. */
export async function takeOnce(transaction: Transaction, key: string, by: string, output: Uint8Array | null): Promise<string | null> {
  if ((await transaction.run(USE, [by])) === 0) return ((await transaction.all(REPLACED, [by]))[0]?.[0] as string | null) ?? null;
  const replaced = await takeAtHome(transaction, key, by, output);
  if (replaced !== null) await transaction.run(SET_REPLACED, [by, replaced]);
  return replaced;
}

async function takeAtHome(transaction: Transaction, key: string, by: string, output: Uint8Array | null): Promise<string | null> {
  if ((await transaction.run(ADD, [key, by])) === 1) return null;
  const [row] = await transaction.all(LOCK_HOLDER, [key]);
  const holder = row?.[0] as string | undefined;
  if (holder === undefined) return takeAtHome(transaction, key, by, output);
  if (holder === by) return null;
  await transaction.run(GIVE, [key, by]);
  if (isLocal(transaction, holder)) await replaceHere(transaction, key, holder, by, output);
  else await send(transaction, { kind: "replaced", data: { key, run: holder, by }, payload: output });
  return holder;
}

/** Ends a run of this server, or the one that went on in its place, because another one has its key now. */
export async function replaceHere(
  transaction: Transaction,
  key: string,
  run: string,
  by: string,
  output: Uint8Array | null,
): Promise<void> {
  let last = run;
  for (;;) {
    const next = (await transaction.all(SUCCESSOR, [last]))[0]?.[0] as string | null | undefined;
    if (next == null) break;
    last = next;
  }
  await endOpenRun(transaction, last, { status: "cancelled", output, note: `replaced by ${by}` });
  await transaction.run(LOSE, [last, key]);
}

/** At the key's home: what a run had is its successor's. */
export async function moveKey(transaction: Transaction, key: string, from: string, to: string): Promise<void> {
  await transaction.run(MOVE, [key, to, from]);
}

/** Hands a key to the successor of a run of this server. */
export async function passKey(transaction: Transaction, key: string, from: string, to: string): Promise<void> {
  if (isHome(transaction, "key", key)) await moveKey(transaction, key, from, to);
  else await send(transaction, { kind: "move", data: { key, from, to }, payload: null });
}
