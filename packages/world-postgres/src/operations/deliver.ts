/**
 * Messages from outside: those of all calls that come while a statement is under way, in the next one.
 *
 * The statement waits for nobody. It finds who has a token or a key, locks those runs that nobody else has locked, looks again whether they are open and have what they were found by, and gives them
 * their messages. What it leaves out (a run that is being committed, one that is over or not there, a message that came before) is delivered step by step in a transaction of the call's own (`messages.ts`), which also
 * finds out what to answer. So a run whose row is locked for long, by a step's `transaction()` for instance, keeps only its own senders waiting.
 */

import { randomBytes } from "node:crypto";
import type { Delivery, Message } from "@perdure/world";
import { WorldError } from "@perdure/world";
import { bytesArray, plainArray, textArray } from "../database/arrays.ts";
import type { Database } from "../database/database.ts";
import { deliverInTransaction, type Sent } from "./messages.ts";
import { nameParam, runParam } from "./records.ts";

const mostMessages = 500;
const mostBytes = 16 * 1024 * 1024;

/**
 * No part is joined to another: the server guesses that there are few messages, and would loop over all of one for each of the other. Where one message of a run cannot pass none of the run's does, so that they
 * stay in their order. (Additions of nothing keep conditions off indexes by which a run would be looked for among many.)
 */
const DELIVER = `
  WITH r AS MATERIALIZED (
    SELECT u.*, CASE
        WHEN u.token IS NOT NULL THEN (SELECT h.run_id FROM @hooks h WHERE h.token = u.token)
        WHEN u.key IS NOT NULL THEN (SELECT k.id FROM @runs k WHERE k.key = u.key)
        ELSE u.id END AS run_id
    FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bytea[], $7::int8[]) WITH ORDINALITY
      AS u(id, token, key, message, kind, payload, sender, place)
  ), l AS MATERIALIZED (
    SELECT r.*, (SELECT true FROM @runs s WHERE s.id = r.run_id AND s.status + 0 = 0 AND (r.key IS NULL OR s.key || '' = r.key)
      FOR NO KEY UPDATE SKIP LOCKED) AS is_open
    FROM r
  ), o AS MATERIALIZED (
    SELECT l.*, CASE WHEN l.is_open AND l.token IS NOT NULL THEN
      (SELECT h.operation FROM @hooks h WHERE h.token = l.token AND h.run_id = l.run_id FOR KEY SHARE SKIP LOCKED) END AS operation
    FROM l
  ), p AS MATERIALIZED (
    SELECT * FROM (SELECT o.*, bool_and(coalesce(o.is_open, false)) OVER (PARTITION BY o.run_id) AS passes FROM o) q
    WHERE q.passes AND (q.token IS NULL OR q.operation IS NOT NULL)
  ), m AS (
    INSERT INTO @messages (run_id, message, kind, operation, payload, sender) SELECT p.run_id, p.message, p.kind, p.operation, p.payload, p.sender
    FROM p ORDER BY p.place
    ON CONFLICT (run_id, message) DO NOTHING RETURNING run_id, sender
  ), n AS MATERIALIZED (
    SELECT jsonb_object_agg(c.run_id::text, c.count) AS counts FROM (SELECT m.run_id, count(*) FROM m GROUP BY m.run_id) c
  ), w AS (
    UPDATE @runs t SET mail = t.mail + ((SELECT n.counts FROM n) ->> t.id::text)::int4, due_at = least(coalesce(t.due_at, @now), @now)
    WHERE t.id = ANY(ARRAY(SELECT m.run_id FROM m))
  )
  SELECT m.sender::text, m.run_id FROM m`;

/** Who was given which message, by its sender. */
type Delivered = ReadonlyMap<string, string>;

interface Call {
  readonly messages: readonly Sent[];
  readonly resolve: (delivered: Delivered) => void;
  readonly reject: (error: unknown) => void;
}

/** {@link World.deliver} for all callers of one database. */
export function createDeliveries(): (database: Database, messages: readonly Message[]) => Promise<Delivery[]> {
  let waiting: Call[] = [];
  let isRunning = false;
  let lastSender = randomBytes(8).readBigInt64BE();

  async function drain(database: Database): Promise<void> {
    await Promise.resolve(); // what its caller sends beside the first goes along
    while (waiting.length > 0) await flush(database, take());
    isRunning = false;
  }

  /** The next calls, as many as fit; at least one. */
  function take(): Call[] {
    let [calls, count, bytes] = [0, 0, 0];
    do {
      const { messages } = waiting[calls++]!;
      count += messages.length;
      for (const { message } of messages) bytes += message.payload.byteLength;
    } while (calls < waiting.length && count + waiting[calls]!.messages.length <= mostMessages && bytes < mostBytes);
    const taken = waiting.slice(0, calls);
    waiting = waiting.slice(calls);
    return taken;
  }

  return async (database, messages) => {
    const sent = messages.map((message): Sent => ({ message, sender: (lastSender = BigInt.asIntN(64, lastSender + 1n)) }));
    const delivered = await new Promise<Delivered>((resolve, reject) => {
      waiting.push({ messages: sent, resolve, reject });
      if (isRunning) return;
      isRunning = true;
      void drain(database);
    });
    const left = sent.filter(({ sender }) => !delivered.has(String(sender)));
    const others = left.length === 0 ? [] : await deliverInTransaction(database, left);
    let next = 0;
    return sent.map(({ sender }): Delivery => {
      const runId = delivered.get(String(sender));
      return runId === undefined ? others[next++]! : { status: "delivered", runId };
    });
  };
}

/** Answers all calls, and does not reject. */
async function flush(database: Database, calls: readonly Call[]): Promise<void> {
  let delivered: Delivered = new Map();
  try {
    const values = valuesOf(calls.flatMap(({ messages }) => messages));
    const { rows } = await database.statement(() => ({ template: DELIVER, values }), "repeatable");
    delivered = new Map(rows as readonly unknown[] as readonly (readonly [string, string])[]);
  } catch (error) {
    if (WorldError.is(error)) {
      for (const { reject } of calls) reject(error);
      return;
    }
    // A message that the server refuses: it is refused again, alone.
  }
  for (const { resolve } of calls) resolve(delivered);
}

function valuesOf(messages: readonly Sent[]): unknown[] {
  return [
    plainArray(messages.map(({ message: { to } }) => ("runId" in to ? runParam(to.runId) : null))),
    textArray(messages.map(({ message: { to } }) => ("token" in to ? nameParam(to.token) : null))),
    textArray(messages.map(({ message: { to } }) => ("key" in to ? nameParam(to.key) : null))),
    textArray(messages.map(({ message }) => message.id)),
    textArray(messages.map(({ message }) => message.kind)),
    bytesArray(messages.map(({ message }) => message.payload)),
    plainArray(messages.map(({ sender }) => sender)),
  ];
}
