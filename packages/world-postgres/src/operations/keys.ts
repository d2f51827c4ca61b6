/**
 * Who has a key, where there are several servers. Each key has a home, whose table is the truth; the key in the row of a run is a copy, from which it is found on its
 * own server. A run of the home takes its key in its own transaction; one of another server brings a reservation along (`away.ts`).
 */

import type { Transaction } from "../database/database.ts";
import type { Away } from "./away.ts";
import { endOpenRun } from "./end.ts";
import { isHome, isLocal } from "./locality.ts";
import { type Outgoing, send } from "./outbox.ts";
import { giveUp, reservationLost, USE, useReservation } from "./reservations.ts";

const LOCK_KEEPER = "SELECT id FROM @runs WHERE key = $1 FOR NO KEY UPDATE";
const KEEPER = "SELECT id FROM @runs WHERE key = $1";
const HOLDER = "SELECT run_id, reservation FROM @keys WHERE key = $1";
const LOCK_HOLDER = `${HOLDER} FOR UPDATE`;
const ADD = "INSERT INTO @keys (key, run_id) VALUES ($1, $2) ON CONFLICT (key) DO NOTHING";
const GIVE = "UPDATE @keys SET run_id = $2, reservation = NULL, reserved_at = NULL WHERE key = $1";
const MOVE = `${GIVE} AND run_id = $3`;
/** A run that was removed, with all that it had. */
const REMOVE_DEAD = "DELETE FROM @keys k WHERE key = $1 AND run_id = $2 AND NOT EXISTS (SELECT 1 FROM @runs r WHERE r.id = k.run_id)";
const REPLACED = "SELECT replaced FROM @reservations WHERE id = $1";
const SET_REPLACED = "UPDATE @reservations SET replaced = $2 WHERE id = $1";
const LOSE = "UPDATE @runs SET key = NULL WHERE id = $1 AND key = $2";
const LOSE_OTHERS = "UPDATE @runs SET key = NULL WHERE key = $1 AND id <> $2";
/** `$1`: what `data` begins with, see `Outgoing`. */
const UNTOLD = "SELECT kind, data, payload FROM @outbox WHERE kind IN ('take', 'move') AND starts_with(data, $1) ORDER BY position";
const SUCCESSOR = "SELECT successor FROM @runs WHERE id = $1 FOR NO KEY UPDATE";

/** Gives a key to a new run of this server, if nobody else has it; returns who has it then. */
export async function claimKey(transaction: Transaction, key: string, run: string, away: Away | undefined): Promise<string> {
  if (!isHome(transaction, "key", key)) return claimElsewhere(transaction, key, run, away);
  const holder = await claimAtHome(transaction, key, run, away);
  // What another run's row still says is out of date.
  if (holder === run) await transaction.run(LOSE_OTHERS, [key, run]);
  return holder;
}

/**
 * Another run of this server whose row names the key has it in truth, if it took it when the home had been asked already, or the home has not heard of that yet. Then the reservation is of
 * no use. Where it is not certain which of the two came first, the home is asked again.
 */
async function claimElsewhere(transaction: Transaction, key: string, run: string, away: Away | undefined): Promise<string> {
  const holder = away?.keys.get(key);
  if (holder == null) throw reservationLost();
  const { runId, reservation, outdated } = holder;
  if (runId !== run) return runId;
  const keeper = (await transaction.all(LOCK_KEEPER, [key]))[0]?.[0] as string | undefined;
  if (keeper !== undefined && (await isUntold(transaction, key))) return keeper;
  if (keeper !== undefined && keeper !== outdated) throw reservationLost();
  if (reservation !== null && !(await useReservation(transaction, reservation))) throw reservationLost();
  if (keeper !== undefined) await transaction.run(LOSE_OTHERS, [key, run]);
  return runId;
}

/** Where the home is not: the run whose row names a key, if the home was told of all that happened to the key here. */
export async function keeperAsTold(transaction: Transaction, key: string): Promise<string | null> {
  const keeper = (await transaction.all(KEEPER, [key]))[0]?.[0] as string | undefined;
  return keeper === undefined || (await isUntold(transaction, key)) ? null : keeper;
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

/**
 * Takes a key for a new run of this server from whoever has it, who is to end; returns that run if it is known here. What this server says of the key may be out of date:
 * who ends here may have lost it to another server's run, whose result then names it. So what the home answers counts (`shards/commits.ts`).
 */
export async function takeKey(transaction: Transaction, key: string, by: string, output: Uint8Array | null): Promise<string | null> {
  // The key before its run, as runs of other servers do; else two would wait for each other.
  const replaced = isHome(transaction, "key", key) ? await takeAtHome(transaction, key, by, output) : null;
  const keeper = ((await transaction.all(LOCK_KEEPER, [key]))[0]?.[0] as string | undefined) ?? null;
  if (keeper !== null && keeper !== by) await replaceHere(transaction, key, keeper, by, output);
  return replaced ?? keeper;
}

/**
 * Tells a key's home that a new run took it, after the run was inserted: runs of one server with one key are inserted one after another, and their home is to hear of them in
 * this order. (Told of before, one that is inserted later could come first in the outbox, and lose the key to the one that it has ended.)
 */
export async function tellHome(transaction: Transaction, key: string, by: string, output: Uint8Array | null): Promise<void> {
  if (!isHome(transaction, "key", key)) await send(transaction, { kind: "take", data: { key, by }, payload: output });
}

/** What a key's home is told of by other servers: each server's in the order in which it was written. */
export type KeyChange = Extract<Outgoing, { kind: "take" | "move" }>;

/**
 * What a server has to tell a key's home, up to the taking by this run. Nothing: the home knows of the taking, for what is in the outbox no more has arrived. Whoever
 * tells the home of the taking without the courier tells it of all of this before: a run that an earlier one of them gave the key has ended here already, and
 * would take it back if the home heard of it later.
 */
export async function untoldUntil(transaction: Transaction, key: string, by: string): Promise<KeyChange[]> {
  const rows = await transaction.all(UNTOLD, [beginningOf(key)]);
  const changes = rows.map(([kind, data, payload]) => ({ kind, data: JSON.parse(data as string), payload }) as KeyChange);
  return changes.slice(0, changes.findLastIndex(({ kind, data }) => kind === "take" && data.by === by) + 1);
}

async function isUntold(transaction: Transaction, key: string): Promise<boolean> {
  return (await transaction.all(UNTOLD, [beginningOf(key)])).length > 0;
}

function beginningOf(key: string): string {
  return `{"key":${JSON.stringify(key)},`;
}

/** At the key's home. Returns the run that lost the key, if one did; the same again and again. */
export async function changeAtHome(transaction: Transaction, { kind, data, payload }: KeyChange): Promise<string | null> {
  if (kind === "take") return takeOnce(transaction, data.key, data.by, payload);
  // Once, too: a run that has handed its key on never gets it again.
  await transaction.run(MOVE, [data.key, data.to, data.from]);
  return null;
}

/** At the key's home: a run of any server takes the key, once. Returns who had it, again and again. */
async function takeOnce(transaction: Transaction, key: string, by: string, output: Uint8Array | null): Promise<string | null> {
  if ((await transaction.run(USE, [by])) === 0) return replacedBy(transaction, by);
  const replaced = await takeAtHome(transaction, key, by, output);
  if (replaced !== null) await transaction.run(SET_REPLACED, [by, replaced]);
  return replaced;
}

/** At the key's home: the run from which this one took the key, as soon as it has. */
export async function replacedBy(transaction: Transaction, by: string): Promise<string | null> {
  return ((await transaction.all(REPLACED, [by]))[0]?.[0] as string | null | undefined) ?? null;
}

async function takeAtHome(transaction: Transaction, key: string, by: string, output: Uint8Array | null): Promise<string | null> {
  if ((await transaction.run(ADD, [key, by])) === 1) return null;
  const [row] = await transaction.all(LOCK_HOLDER, [key]);
  const [holder, reservation] = (row ?? []) as readonly [string?, (string | null)?];
  if (holder === undefined) return takeAtHome(transaction, key, by, output);
  if (holder === by) return null;
  await transaction.run(GIVE, [key, by]);
  if (isLocal(transaction, holder)) await replaceHere(transaction, key, holder, by, output);
  else
    await send(transaction, {
      kind: "replaced",
      data: { key, run: holder, by, ...(reservation != null && { reservation }) },
      payload: output,
    });
  return holder;
}

/** On the server of a run that has lost its key: ends it, or, if it only had a reservation, keeps it from coming to be. */
export async function lostKey(transaction: Transaction, { data, payload }: Extract<Outgoing, { kind: "replaced" }>): Promise<void> {
  const { key, run, by, reservation } = data;
  if (reservation !== undefined) await giveUp(transaction, reservation);
  await replaceHere(transaction, key, run, by, payload);
}

/** Ends a run of this server, or the one that went on in its place, because another one has its key now. */
async function replaceHere(transaction: Transaction, key: string, run: string, by: string, output: Uint8Array | null): Promise<void> {
  let last = run;
  for (;;) {
    const next = (await transaction.all(SUCCESSOR, [last]))[0]?.[0] as string | null | undefined;
    if (next == null) break;
    last = next;
  }
  await endOpenRun(transaction, last, { status: "cancelled", output, note: `replaced by ${by}` });
  await transaction.run(LOSE, [last, key]);
}

/** Hands a key to the successor of a run of this server. */
export async function passKey(transaction: Transaction, key: string, from: string, to: string): Promise<void> {
  if (isHome(transaction, "key", key)) await transaction.run(MOVE, [key, to, from]);
  else await send(transaction, { kind: "move", data: { key, from, to }, payload: null });
}
