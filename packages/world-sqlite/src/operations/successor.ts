import type { Attributes, NewRun } from "@perdure/world";
import { toAttributes } from "@perdure/world";
import type { Transaction } from "../database.ts";
import { moveAwaits } from "./awaits.ts";
import { type Incoming, receive } from "./messages.ts";
import { keyOfRun } from "./records.ts";
import { createRun } from "./runs.ts";

const INHERITED = `
  SELECT message, kind, payload FROM messages WHERE run = ?1 AND payload IS NOT NULL AND operation IS NULL ORDER BY id`;
const STANDS_FOR = "SELECT key, parent, parent_operation FROM runs WHERE id = ?1";
const GO_ON = "UPDATE runs SET key = NULL, successor = ?2 WHERE id = ?1";
const ATTRIBUTES = "SELECT name, value FROM attributes WHERE run = ?1";

/** The unconsumed messages of a run that its successor is to have: those addressed to the run itself. To be read before the run ends. */
export function inheritedMessages(transaction: Transaction, run: number): Incoming[] {
  const rows = transaction.all(INHERITED, [run]) as readonly (readonly [string, string, Uint8Array])[];
  return rows.map(([id, kind, payload]) => ({ id, kind, operation: null, payload }));
}

/** Creates the run that goes on in the place of one that has just ended. Its id must be new. */
export function succeed(transaction: Transaction, run: number, successor: NewRun, messages: readonly Incoming[], now: number): void {
  const [key, parentId, operation] = transaction.get(STANDS_FOR, [run]) as readonly [string | null, string | null, string | null];
  const parent = parentId === null ? null : { runId: parentId, operation: operation! };
  const attributes = successor.attributes ?? attributesOf(transaction, run);
  transaction.run(GO_ON, [run, successor.id]);
  createRun(transaction, { ...successor, key, parent, attributes }, null, null, now);
  const next = keyOfRun(transaction, successor.id)!;
  for (const message of messages) receive(transaction, next, message, now);
  moveAwaits(transaction, run, next);
}

function attributesOf(transaction: Transaction, run: number): Attributes {
  return toAttributes(transaction.all(ATTRIBUTES, [run]) as readonly (readonly [string, string])[]);
}
