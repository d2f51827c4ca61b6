import type { Delivery, HistoryPage, HistoryRow, HookRecord, Message, ReceivedMessage } from "@perdure/world";
import type { Transaction } from "../database.ts";
import type { SqlValue } from "../driver/driver.ts";
import { existingRun, keyOfRun } from "./records.ts";

const HOLDER = "SELECT h.run, h.operation, r.uuid FROM hooks h JOIN runs r ON r.id = h.run WHERE h.token = ?1";
const KEEPER = "SELECT id, NULL, uuid FROM runs WHERE key = ?1";
const STATUS = "SELECT status FROM runs WHERE id = ?1";
const SUCCESSOR = "SELECT successor FROM runs WHERE id = ?1";
const WAS_DELIVERED = "SELECT 1 FROM messages WHERE run = ?1 AND message = ?2";
const DELIVER = "INSERT INTO messages (run, message, kind, operation, payload) VALUES (?1, ?2, ?3, ?4, ?5)";
const WAKE = "UPDATE runs SET mail = mail + 1, due_at = min(coalesce(due_at, ?2), ?2) WHERE id = ?1";

const OWNED = `
  SELECT r.uuid, m.message, m.kind, m.operation, m.payload
  FROM runs r CROSS JOIN messages m ON m.run = r.id AND m.payload IS NOT NULL
  WHERE r.owner = ?1 AND r.mail > 0 ORDER BY m.id`;
const WAITING = `
  SELECT ?2, message, kind, operation, payload FROM messages WHERE run = ?1 AND payload IS NOT NULL ORDER BY id`;
const HISTORY = "SELECT seq, data FROM history WHERE run = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3";
const HOOKS = "SELECT token, operation, metadata FROM hooks WHERE run = ?1 ORDER BY rowid";

/** {@link World.deliver} */
export function deliver(transaction: Transaction, messages: readonly Message[], now: number): Delivery[] {
  return messages.map((message) => deliverOne(transaction, message, now));
}

function deliverOne(transaction: Transaction, message: Message, now: number): Delivery {
  const { id, to, kind, payload } = message;
  const [run, operation, runId] = receiverOf(transaction, to);
  const status = run === undefined ? "not_found" : receive(transaction, run, { id, kind, operation, payload }, now);
  if (status === "not_found") return { status };
  const successor = status === "ended" ? (transaction.get(SUCCESSOR, [run!])?.[0] as string | null) : null;
  return successor === null ? { status, runId } : deliverOne(transaction, { id, to: { runId: successor }, kind, payload }, now);
}

/** A message that has found its run. */
export type Incoming = Omit<ReceivedMessage, "runId">;

/** Gives a message to a run. */
export function receive(
  transaction: Transaction,
  run: number,
  { id, kind, operation, payload }: Incoming,
  now: number,
): Delivery["status"] {
  const status = transaction.get(STATUS, [run])?.[0];
  if (status === undefined) return "not_found";
  if (wasDelivered(transaction, run, id)) return "duplicate";
  if (status !== "running") return "ended";
  transaction.run(DELIVER, [run, id, kind, operation, payload]);
  transaction.run(WAKE, [run, now]);
  return "delivered";
}

/** Whether a message with this id has ever been given to the run. */
export function wasDelivered(transaction: Transaction, run: number, id: string): boolean {
  return transaction.get(WAS_DELIVERED, [run, id]) !== undefined;
}

function receiverOf(transaction: Transaction, to: Message["to"]): [run: number | undefined, operation: string | null, runId: string] {
  if ("runId" in to) return [keyOfRun(transaction, to.runId), null, to.runId];
  const row = "key" in to ? transaction.get(KEEPER, [to.key]) : transaction.get(HOLDER, [to.token]);
  return row === undefined ? [undefined, null, ""] : (row as [number, string | null, string]);
}

/** The unconsumed messages of the runs that a worker owns, in order of delivery. */
export function ownedMessages(transaction: Transaction, worker: number): ReceivedMessage[] {
  return transaction.all(OWNED, [worker]).map(toMessage);
}

/** {@link World.load} */
export function load(transaction: Transaction, runId: string, after: number, limit: number | undefined): HistoryPage {
  const run = existingRun(transaction, runId);
  const rows = transaction.all(HISTORY, [run, after, limit ?? -1]) as readonly (readonly [number, Uint8Array])[];
  const hooks = transaction.all(HOOKS, [run]) as readonly (readonly [string, string, Uint8Array | null])[];
  return {
    rows: rows.map(([seq, data]): HistoryRow => ({ seq, data })),
    hooks: hooks.map(([token, operation, metadata]): HookRecord => ({ token, operation, metadata })),
    messages: transaction.all(WAITING, [run, runId]).map(toMessage),
  };
}

function toMessage(row: readonly SqlValue[]): ReceivedMessage {
  return {
    runId: row[0] as string,
    id: row[1] as string,
    kind: row[2] as string,
    operation: row[3] as string | null,
    payload: row[4] as Uint8Array,
  };
}
