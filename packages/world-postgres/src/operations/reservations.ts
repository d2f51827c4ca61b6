/**
 * Names that a run was given before it was written, see `away.ts`.
 *
 * Rows of `reservations` are never removed. One that says "given up" fences a commit or a creation that may land at any time; one that says "used" is what a home asks for as
 * long as it has the name, which is as long as the run keeps it.
 */

import { WorldError } from "@perdure/world";
import type { Transaction } from "../database/database.ts";
import type { Away } from "./away.ts";
import { isHome } from "./locality.ts";

const KEEPER = "SELECT id FROM @runs WHERE key = $1";
const HOLDER = "SELECT run_id FROM @keys WHERE key = $1";
export const USE = "INSERT INTO @reservations (id, used) VALUES ($1, true) ON CONFLICT (id) DO NOTHING";
const GIVE_UP = "INSERT INTO @reservations (id, used) VALUES ($1, false) ON CONFLICT (id) DO NOTHING";
const IS_USED = "SELECT used FROM @reservations WHERE id = $1";

/** The run that has a key, as far as this server or what was asked before knows. */
export async function holderOfKey(transaction: Transaction, key: string, away: Away | undefined): Promise<string | null> {
  const [keeper] = await transaction.all(KEEPER, [key]);
  if (keeper !== undefined) return keeper[0] as string;
  if (transaction.locality === null) return null;
  if (!isHome(transaction, "key", key)) return away?.keys.get(key)?.runId ?? null;
  return ((await transaction.all(HOLDER, [key]))[0]?.[0] as string | undefined) ?? null;
}

/** The error for a reservation that another run was given meanwhile. */
export function reservationLost(): WorldError {
  const error = new WorldError("WORLD_UNAVAILABLE", "A name that was reserved was given to another run, because its use took very long.", {
    hint: "Nothing was written. The same may be tried again.",
  });
  lost.add(error);
  return error;
}

const lost = new WeakSet<object>();

/** Whether an error is one of {@link reservationLost}: what was asked before is to be asked again. */
export function isReservationLost(error: unknown): boolean {
  return typeof error === "object" && error !== null && lost.has(error);
}

/** Whether a reservation may be used: nobody gave it up meanwhile. From then on nobody can. */
export async function useReservation(transaction: Transaction, id: string): Promise<boolean> {
  if ((await transaction.run(USE, [id])) === 1) return true;
  return (await transaction.all(IS_USED, [id]))[0]?.[0] === true;
}

/** Sees to it that a reservation is never used; false when that came too late, or somebody did it before. */
export async function giveUp(transaction: Transaction, id: string): Promise<boolean> {
  return (await transaction.run(GIVE_UP, [id])) === 1;
}
