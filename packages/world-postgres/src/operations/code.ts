import type { Transaction } from "../database/database.ts";
import { nameParam } from "./records.ts";

const PUT = "INSERT INTO @code (hash, bytes) VALUES ($1, $2) ON CONFLICT (hash) DO NOTHING";
const HAS = "SELECT 1 FROM @code WHERE hash = $1";
const GET = "SELECT bytes FROM @code WHERE hash = $1";

/** {@link World.code} put. Mostly the bundle is there, and nothing is sent. */
export async function putCode(transaction: Transaction, hash: string, bytes: Uint8Array): Promise<void> {
  if ((await transaction.all(HAS, [hash])).length === 0) await transaction.run(PUT, [hash, bytes]);
}

/** {@link World.code} get. */
export async function getCode(transaction: Transaction, hash: string): Promise<Uint8Array | null> {
  const [row] = await transaction.all(GET, [nameParam(hash)]);
  return (row?.[0] as Uint8Array | undefined) ?? null;
}
