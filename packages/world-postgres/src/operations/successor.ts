import type { Attributes, NewRun } from "@perdure/world";
import { toAttributes } from "@perdure/world";
import type { Transaction } from "../database/database.ts";
import { moveAwaits } from "./awaits.ts";
import { passKey } from "./keys.ts";
import { type Incoming, receive } from "./messages.ts";
import { insertRun } from "./runs.ts";

const INHERITED = `
  SELECT message, kind, payload FROM @messages WHERE run_id = $1 AND payload IS NOT NULL AND operation IS NULL ORDER BY position`;
const STANDS_FOR = "SELECT key, parent, parent_operation FROM @runs WHERE id = $1";
const GO_ON = "UPDATE @runs SET key = NULL, successor = $2 WHERE id = $1";
const ATTRIBUTES = "SELECT name, value FROM @attributes WHERE run_id = $1";

/** The unconsumed messages of a run that its successor is to have: those addressed to the run itself. To be read before the run ends. */
export async function inheritedMessages(transaction: Transaction, run: string): Promise<Incoming[]> {
  const rows = (await transaction.all(INHERITED, [run])) as readonly unknown[] as readonly (readonly [string, string, Uint8Array])[];
  return rows.map(([id, kind, payload]) => ({ id, kind, operation: null, payload }));
}

/** Creates the run that goes on in the place of one that has just ended. Its id must be new. */
export async function succeed(transaction: Transaction, run: string, successor: NewRun, messages: readonly Incoming[]): Promise<void> {
  const [row] = await transaction.all(STANDS_FOR, [run]);
  const [key, parentId, operation] = row as unknown as readonly [string | null, string | null, string];
  const parent = parentId === null ? null : { runId: parentId, operation };
  const attributes = successor.attributes ?? (await attributesOf(transaction, run));
  await transaction.run(GO_ON, [run, successor.id]);
  if (transaction.locality !== null && key !== null) await passKey(transaction, key, run, successor.id);
  await insertRun(transaction, { ...successor, key, parent, attributes }, null);
  for (const message of messages) await receive(transaction, successor.id, message);
  await moveAwaits(transaction, run, successor.id);
}

async function attributesOf(transaction: Transaction, run: string): Promise<Attributes> {
  return toAttributes((await transaction.all(ATTRIBUTES, [run])) as readonly unknown[] as readonly (readonly [string, string])[]);
}
