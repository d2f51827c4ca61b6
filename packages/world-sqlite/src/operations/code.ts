import type { Transaction } from "../database.ts";

const PUT = "INSERT INTO code (hash, bytes, stored_at) VALUES (?1, ?2, ?3) ON CONFLICT (hash) DO NOTHING";
const HAS = "SELECT 1 FROM code WHERE hash = ?1";
const GET = "SELECT bytes FROM code WHERE hash = ?1";
const STORED_AT = "SELECT stored_at FROM code WHERE hash = ?1";

/** Whether a bundle with this hash is stored: the common case, which needs no write. */
export function hasCode(transaction: Transaction, hash: string): boolean {
  return transaction.get(HAS, [hash]) !== undefined;
}

/** {@link World.code} put. */
export function putCode(transaction: Transaction, hash: string, bytes: Uint8Array, now: number): void {
  transaction.run(PUT, [hash, bytes, now]);
}

/** {@link World.code} get. */
export function getCode(transaction: Transaction, hash: string): Uint8Array | null {
  return (transaction.get(GET, [hash])?.[0] as Uint8Array | undefined) ?? null;
}

/** {@link World.code} storedAt. */
export function codeStoredAt(transaction: Transaction, hash: string): number | null {
  return (transaction.get(STORED_AT, [hash])?.[0] as number | undefined) ?? null;
}
