/**
 * Messages from outside: those of all calls that come while a statement is under way, in the next one.
 *
 * The statement waits for nobody. It finds who has a token or a key, locks those runs that nobody else has locked, looks again whether they are open and have what they were found by, and gives them
 * their messages. What it leaves out (a run that is being committed, one that is over or not there, a message that came before) is delivered step by step in a transaction of the call's own (`messages.ts`), which also
 * finds out what to answer. So a run whose row is locked for long, by a step's `transaction()` for instance, keeps only its own senders waiting.
 */

import type { Delivery, Message } from "@perdure/world";
import { WorldError } from "@perdure/world";
import { bytesArray, plainArray, textArray } from "../database/arrays.ts";
import type { Database } from "../database/database.ts";
import { deliverInTransaction, type Tries } from "./messages.ts";
import { nameParam, runParam } from "./records.ts";

const mostMessages = 500;

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
    FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bytea[]) WITH ORDINALITY
      AS u(id, token, key, message, kind, payload, place)
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
    INSERT INTO @messages (run_id, message, kind, operation, payload) SELECT p.run_id, p.message, p.kind, p.operation, p.payload
    FROM p ORDER BY p.place
    ON CONFLICT (run_id, message) DO NOTHING RETURNING run_id, message, position
  ), n AS MATERIALIZED (
    SELECT jsonb_object_agg(c.run_id::text, c.count) AS counts FROM (SELECT m.run_id, count(*) FROM m GROUP BY m.run_id) c
  ), w AS (
    UPDATE @runs t SET mail = t.mail + ((SELECT n.counts FROM n) ->> t.id::text)::int4, due_at = least(coalesce(t.due_at, @now), @now)
    WHERE t.id = ANY(ARRAY(SELECT m.run_id FROM m))
  )
  SELECT p.place::int4, p.run_id, NULL::text, NULL::int8 FROM p UNION ALL SELECT NULL, m.run_id, m.message, m.position FROM m`;

/** What a statement came to. */
interface Delivered {
  /** Who was given which message, by its place. */
  readonly runs: ReadonlyMap<number, string>;
  readonly tries: Tries;
}

interface Call {
  readonly messages: readonly Message[];
  readonly resolve: (delivered: Delivered) => void;
  readonly reject: (error: unknown) => void;
}

/** {@link World.deliver} for all callers of one database. */
export function createDeliveries(): (database: Database, messages: readonly Message[]) => Promise<Delivery[]> {
  let waiting: Call[] = [];
  let isRunning = false;
  /** The highest position of a message that any answer has told of. */
  let seen = 0;

  async function drain(database: Database): Promise<void> {
    await Promise.resolve(); // what its caller sends beside the first goes along
    while (waiting.length > 0) seen = Math.max(seen, await flush(database, take(), seen));
    isRunning = false;
  }

  /** The next calls, as many as fit; at least one. */
  function take(): Call[] {
    let [calls, count] = [0, 0];
    do count += waiting[calls++]!.messages.length;
    while (calls < waiting.length && count + waiting[calls]!.messages.length <= mostMessages);
    const taken = waiting.slice(0, calls);
    waiting = waiting.slice(calls);
    return taken;
  }

  return async (database, messages) => {
    const { runs, tries } = await new Promise<Delivered>((resolve, reject) => {
      waiting.push({ messages, resolve, reject });
      if (isRunning) return;
      isRunning = true;
      void drain(database);
    });
    const left = messages.filter((_, place) => !runs.has(place));
    const others = left.length === 0 ? [] : await deliverInTransaction(database, left, tries);
    let next = 0;
    return messages.map((_, place): Delivery => {
      const runId = runs.get(place);
      return runId === undefined ? others[next++]! : { status: "delivered", runId };
    });
  };
}

/** Answers all calls, and does not reject; returns the highest position that it learnt of. */
async function flush(database: Database, calls: readonly Call[], since: number): Promise<number> {
  const messages = calls.flatMap((call) => call.messages);
  let answer: readonly DeliveredRow[] = [];
  let isRetry = false;
  try {
    const { rows } = await database.statement((isAgain) => {
      isRetry = isAgain;
      return { template: DELIVER, values: valuesOf(messages) };
    }, "repeatable");
    answer = rows as readonly unknown[] as readonly DeliveredRow[];
  } catch (error) {
    if (WorldError.is(error)) {
      for (const { reject } of calls) reject(error);
      return since;
    }
    // A message that the server refuses: it is refused again, alone.
  }
  const runs = deliveredIn(answer, messages);
  let start = 0;
  for (const call of calls) {
    const own = new Map<number, string>();
    for (let place = 0; place < call.messages.length; place++) {
      const runId = runs.get(start + place);
      if (runId !== undefined) own.set(place, runId);
    }
    start += call.messages.length;
    call.resolve({ runs: own, tries: { isRetry, since } });
  }
  return answer.reduce((highest, [, , , position]) => Math.max(highest, position ?? 0), since);
}

type DeliveredRow =
  | readonly [place: number, runId: string, message: null, position: null]
  | readonly [place: null, runId: string, message: string, position: number];

/** The same message once more is a duplicate. */
function deliveredIn(rows: readonly DeliveredRow[], messages: readonly Message[]): Map<number, string> {
  const inserted = new Set(rows.flatMap(([place, runId, message]) => (place === null ? [`${runId} ${message}`] : [])));
  const runs = new Map<number, string>();
  for (const [place, runId] of rows.toSorted(([one], [other]) => (one ?? 0) - (other ?? 0))) {
    if (place !== null && inserted.delete(`${runId} ${messages[place - 1]!.id}`)) runs.set(place - 1, runId);
  }
  return runs;
}

function valuesOf(messages: readonly Message[]): unknown[] {
  return [
    plainArray(messages.map(({ to }) => ("runId" in to ? runParam(to.runId) : null))),
    textArray(messages.map(({ to }) => ("token" in to ? nameParam(to.token) : null))),
    textArray(messages.map(({ to }) => ("key" in to ? nameParam(to.key) : null))),
    textArray(messages.map(({ id }) => id)),
    textArray(messages.map(({ kind }) => kind)),
    bytesArray(messages.map(({ payload }) => payload)),
  ];
}
