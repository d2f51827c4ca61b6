/**
 * Bundles of workflow code, and when each was last asked for.
 *
 * A start stores its version before it creates the run, and both are transactions of their own: in between a bundle is one that no run needs. So whoever asks for
 * one, to store it or to execute it, marks it as used, and it is kept for a day after that. The mark and the removal are writes of one row: the one that comes
 * second sees what the first has done.
 */
import type { Transaction } from "../database/database.ts";
import { nameParam } from "./records.ts";
import { nameId } from "./names.ts";

/** For so long after it was last asked for a bundle stays. */
const KEPT_MS = 24 * 3_600_000;
/** A mark is not renewed before it is so old: mostly nothing is written. */
const FRESH_MS = 10 * 60_000;

const PUT = `INSERT INTO @code AS c (hash, bytes, used_at, stored_at) VALUES ($1, $2, @now, @now) ON CONFLICT (hash) DO UPDATE SET used_at = greatest(c.used_at, excluded.used_at)`;
const HAS_FRESH = `SELECT 1 FROM @code WHERE hash = $1 AND used_at > @now - ${FRESH_MS}`;
const GET = `SELECT bytes, used_at > @now - ${FRESH_MS} FROM @code WHERE hash = $1`;
const STORED_AT = "SELECT stored_at FROM @code WHERE hash = $1";
const MARK = "UPDATE @code SET used_at = greatest(used_at, @now) WHERE hash = ANY($1::text[])";

const STALE = `SELECT hash FROM @code WHERE used_at < @now - ${KEPT_MS}`;
/** One look at each run, and only for versions that nobody has asked for since yesterday: what is needed is marked, and looked at again in a day. */
const NEEDED = "SELECT DISTINCT version::text FROM @runs WHERE version = ANY($1::int8[])";
const REMOVE = `DELETE FROM @code WHERE hash = ANY($1::text[]) AND used_at < @now - ${KEPT_MS}`;

/** {@link World.code} put. Mostly the bundle is there, and nothing is sent. */
export async function putCode(transaction: Transaction, hash: string, bytes: Uint8Array): Promise<void> {
  if ((await transaction.all(HAS_FRESH, [hash])).length === 0) await transaction.run(PUT, [hash, bytes]);
}

/** {@link World.code} get. */
export async function getCode(transaction: Transaction, hash: string): Promise<Uint8Array | null> {
  const [row] = await transaction.all(GET, [nameParam(hash)]);
  if (row === undefined) return null;
  const [bytes, isFresh] = row as unknown as readonly [Uint8Array, boolean];
  if (!isFresh) await transaction.run(MARK, [[hash]]);
  return bytes;
}

/** {@link World.code} storedAt. */
export async function codeStoredAt(transaction: Transaction, hash: string): Promise<number | null> {
  const [row] = await transaction.all(STORED_AT, [nameParam(hash)]);
  return row === undefined ? null : Number(row[0]);
}

/** Removes bundles that nobody has asked for for a day, and that no run has, open or over; returns how many. */
export async function sweepCode(transaction: Transaction): Promise<number> {
  const stale = (await transaction.all(STALE, [])).map(([hash]) => hash as string);
  if (stale.length === 0) return 0;
  const found = await transaction.all(NEEDED, [stale.map((hash) => nameId(hash))]);
  const needed = new Set(found.map(([id]) => id as string));
  const isNeeded = (hash: string): boolean => needed.has(String(nameId(hash)));
  const kept = stale.filter(isNeeded);
  if (kept.length > 0) await transaction.run(MARK, [kept]);
  if (kept.length === stale.length) return 0;
  return transaction.run(REMOVE, [stale.filter((hash) => !isNeeded(hash))]);
}
