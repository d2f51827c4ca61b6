import type { Delivery, HistoryPage, HistoryRow, HookRecord, Message, ReceivedMessage } from "@perdure/world";
import { WorldError } from "@perdure/world";
import type { Database, Row, Transaction } from "../database/database.ts";
import { isHome, isLocal } from "./locality.ts";
import { send } from "./outbox.ts";
import { nameParam, runParam, statusOf, workerId } from "./records.ts";

/** A lock first, and a look with a new snapshot afterwards: the commit that it may have waited for can have disposed the hook or ended the run. */
const LOCK_RECEIVER = "SELECT id FROM @runs WHERE id = $1 FOR NO KEY UPDATE";
const STANDING = "SELECT status, successor FROM @runs WHERE id = $1 FOR NO KEY UPDATE";
const HOLDER = "SELECT run_id, operation FROM @hooks WHERE token = $1";
const KEEPER = "SELECT id FROM @runs WHERE key = $1";

/** Nothing is inserted, and nobody is woken, when the message was given to the run before. */
const RECEIVE = `
  WITH m AS (
    INSERT INTO @messages (run_id, message, kind, operation, payload, sender) VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (run_id, message) DO NOTHING RETURNING run_id
  )
  UPDATE @runs SET mail = mail + 1, due_at = least(coalesce(due_at, @now), @now)
  WHERE id = $1 AND EXISTS (SELECT 1 FROM m)`;
const KEY_HOLDER = "SELECT run_id FROM @keys WHERE key = $1";
const SENDER = "SELECT sender::text FROM @messages WHERE run_id = $1 AND message = $2";
const WAS_DELIVERED = "SELECT 1 FROM @messages WHERE run_id = $1 AND message = $2";

const OWNED = `
  SELECT r.id, m.message, m.kind, m.operation, m.payload
  FROM (SELECT id FROM @runs WHERE owner = $1 AND mail > 0) r
    CROSS JOIN LATERAL (SELECT * FROM @messages m WHERE m.run_id = r.id AND m.payload IS NOT NULL) m
  ORDER BY m.position`;

/** Everything in one statement, so that it is one view of the run. The first row says that the run exists. */
const LOAD = `
  SELECT 0 AS kind, 0::int8 AS place, NULL::text, NULL::text, NULL::text, NULL::bytea FROM @runs WHERE id = $1
  UNION ALL SELECT * FROM (SELECT 1, seq::int8, NULL, NULL, NULL, data FROM @history WHERE run_id = $1 AND seq > $2 ORDER BY seq LIMIT $3) h
  UNION ALL SELECT * FROM (SELECT 2, position, token, operation, NULL, metadata FROM @hooks WHERE run_id = $1) k
  UNION ALL SELECT * FROM (
    SELECT 3, position, message, kind, operation, payload FROM @messages WHERE run_id = $1 AND payload IS NOT NULL) m
  ORDER BY kind, place`;

/** A message that has found its run. */
export type Incoming = Omit<ReceivedMessage, "runId">;

/** A message, and a number that nobody else sends with one: what a try whose answer was lost has delivered is known by it. */
export interface Sent {
  readonly message: Message;
  readonly sender: bigint;
}

/** Delivers messages one after another. */
export async function deliverInTransaction(database: Database, messages: readonly Sent[]): Promise<Delivery[]> {
  return database.transaction(async (transaction) => {
    const deliveries: Delivery[] = [];
    for (const { message, sender } of messages) {
      const delivery = await deliverOne(transaction, message, sender);
      const isOwn = delivery.status === "duplicate" && (await isSentBy(transaction, delivery.runId, message, sender));
      deliveries.push(isOwn ? { status: "delivered", runId: delivery.runId } : delivery);
    }
    return deliveries;
  }, "repeatable");
}

async function isSentBy(transaction: Transaction, run: string, { id }: Message, sender: bigint): Promise<boolean> {
  const [row] = await transaction.all(SENDER, [run, id]);
  return row?.[0] === String(sender);
}

/** Delivers what a run of this server writes: here, or by the outbox. */
export async function post(transaction: Transaction, messages: readonly Message[]): Promise<void> {
  for (const message of messages) {
    const { id, to, kind, payload } = message;
    if (await isFor(transaction, to)) await deliverOne(transaction, message, null);
    else await send(transaction, { kind: "message", data: { id, to, kind }, payload });
  }
}

/** Whether the receiver is a run of this server, or is known not to exist. */
async function isFor(transaction: Transaction, to: Message["to"]): Promise<boolean> {
  if (transaction.locality === null) return true;
  if ("runId" in to) return isLocal(transaction, to.runId);
  if ("token" in to) {
    const [hook] = await transaction.all(HOLDER, [nameParam(to.token)]);
    return hook === undefined ? isHome(transaction, "token", to.token) : isLocal(transaction, hook[0] as string);
  }
  if ((await transaction.all(KEEPER, [to.key])).length > 0) return true;
  return isHome(transaction, "key", to.key) && (await transaction.all(KEY_HOLDER, [to.key])).length === 0;
}

async function deliverOne(transaction: Transaction, message: Message, sender: bigint | null): Promise<Delivery> {
  const { id, to, kind, payload } = message;
  const receiver = await lockReceiver(transaction, to);
  if (receiver === null) return { status: "not_found" };
  const { runId, operation } = receiver;
  const [status, successor] = await receive(transaction, runId, { id, kind, operation, payload }, sender);
  if (status === "not_found") return { status };
  if (status === "ended" && successor !== null) return deliverOne(transaction, { id, to: { runId: successor }, kind, payload }, sender);
  return { status, runId };
}

interface Receiver {
  readonly runId: string;
  readonly operation: string | null;
}

async function lockReceiver(transaction: Transaction, to: Message["to"]): Promise<Receiver | null> {
  if ("runId" in to) {
    const id = runParam(to.runId);
    return id === null ? null : { runId: id, operation: null };
  }
  const find = async (): Promise<Receiver | null> => {
    const [row] = "key" in to ? await transaction.all(KEEPER, [to.key]) : await transaction.all(HOLDER, [nameParam(to.token)]);
    return row === undefined ? null : { runId: row[0] as string, operation: (row[1] as string | undefined) ?? null };
  };
  let found = await find();
  for (;;) {
    if (found === null) return null;
    await transaction.all(LOCK_RECEIVER, [found.runId]);
    const again: Receiver | null = await find();
    if (again?.runId === found.runId) return again;
    found = again;
  }
}

/** Gives a message to a run; also tells the run's successor. */
export async function receive(
  transaction: Transaction,
  run: string,
  { id, kind, operation, payload }: Incoming,
  sender: bigint | null = null,
): Promise<[status: Delivery["status"], successor: string | null]> {
  const [row] = await transaction.all(STANDING, [run]);
  if (row === undefined) return ["not_found", null];
  const successor = row[1] as string | null;
  if (statusOf(row[0]) !== "running") return [(await wasDelivered(transaction, run, id)) ? "duplicate" : "ended", successor];
  const woken = await transaction.run(RECEIVE, [run, id, kind, operation, payload, sender]);
  return [woken === 1 ? "delivered" : "duplicate", successor];
}

/** Whether a message with this id has ever been given to the run. */
export async function wasDelivered(transaction: Transaction, run: string, id: string): Promise<boolean> {
  return (await transaction.all(WAS_DELIVERED, [run, id])).length > 0;
}

/** The unconsumed messages of the runs that a worker owns, in order of delivery. */
export async function ownedMessages(transaction: Transaction, worker: string): Promise<ReceivedMessage[]> {
  return (await transaction.all(OWNED, [workerId(worker)])).map(([runId, ...rest]) => toMessage(runId as string, rest));
}

/** {@link World.load} */
export async function load(transaction: Transaction, runId: string, after: number, limit: number | undefined): Promise<HistoryPage> {
  const all = await transaction.all(LOAD, [runParam(runId), after, limit ?? null]);
  if (all.length === 0) throw new WorldError("RUN_NOT_FOUND", `There is no run ${runId}.`, { hint: "Check the id of the run." });
  const rows: HistoryRow[] = [];
  const hooks: HookRecord[] = [];
  const messages: ReceivedMessage[] = [];
  for (const [kind, place, first, second, third, data] of all as readonly (readonly [
    number,
    number,
    string,
    string,
    string,
    Uint8Array,
  ])[]) {
    if (kind === 1) rows.push({ seq: place, data });
    else if (kind === 2) hooks.push({ token: first, operation: second, metadata: data });
    else if (kind === 3) messages.push(toMessage(runId, [first, second, third, data]));
  }
  return { rows, hooks, messages };
}

function toMessage(runId: string, [id, kind, operation, payload]: Row): ReceivedMessage {
  return { runId, id: id as string, kind: kind as string, operation: operation as string | null, payload: payload as Uint8Array };
}
