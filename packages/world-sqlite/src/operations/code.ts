import type { Transaction } from "../database.ts";

const PUT = "INSERT INTO code (hash, bytes) VALUES (?1, ?2) ON CONFLICT (hash) DO NOTHING";
const HAS = "SELECT 1 FROM code WHERE hash = ?1";
const GET = "SELECT bytes FROM code WHERE hash = ?1";

/** Whether a bundle with this hash is stored: the common case, which needs no write. */
export function hasCode(transaction: Transaction, hash: string): boolean {
  return transaction.get(HAS, [hash]) !== undefined;
}

/** {@link World.code} put. */
export function putCode(transaction: Transaction, hash: string, bytes: Uint8Array): void {
  transaction.run(PUT, [hash, bytes]);
}

/** {@link World.code} get. */
export function getCode(transaction: Transaction, hash: string): Uint8Array | null {
  return (transaction.get(GET, [hash])?.[0] as Uint8Array | undefined) ?? null;
}
