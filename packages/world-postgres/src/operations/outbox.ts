/**
 * What a transaction means to other servers: written with it, delivered afterwards (`shards/courier.ts`), in order and at least once. Whoever receives it
 * knows what was there before.
 */

import type { Message } from "@perdure/world";
import type { Transaction } from "../database/database.ts";

export type Outgoing =
  | {
      readonly kind: "message";
      readonly data: { readonly id: string; readonly to: Message["to"]; readonly kind: string };
      readonly payload: Uint8Array;
    }
  /** A run wants to be told of the end of another one. */
  | {
      readonly kind: "await";
      readonly data: { readonly run: string; readonly by: string; readonly operation: string };
      readonly payload: null;
    }
  /** A run is told of the end of the one that it awaits. */
  | { readonly kind: "answer"; readonly data: { readonly run: string; readonly operation: string }; readonly payload: Uint8Array }
  /** A run took its key from whichever run had it. To the home of the key, which comes first in `data`: it is found by it (`keys.ts`). */
  | { readonly kind: "take"; readonly data: { readonly key: string; readonly by: string }; readonly payload: Uint8Array | null }
  /** A run has lost its key, and is to end. With a reservation: it may not have come to be yet. */
  | {
      readonly kind: "replaced";
      readonly data: { readonly key: string; readonly run: string; readonly by: string; readonly reservation?: string };
      readonly payload: Uint8Array | null;
    }
  /** A run hands its key to its successor. To the home of the key, which comes first. */
  | { readonly kind: "move"; readonly data: { readonly key: string; readonly from: string; readonly to: string }; readonly payload: null }
  /** A hook is no more, or its token is another operation's of the same run. To the home of the token. */
  | {
      readonly kind: "free";
      readonly data: { readonly token: string; readonly run: string; readonly operation: string; readonly to?: string };
      readonly payload: null;
    };

const SEND = "INSERT INTO @outbox (at, kind, data, payload) VALUES (@now, $1, $2, $3)";

/** Puts something into the outbox. */
export async function send(transaction: Transaction, { kind, data, payload }: Outgoing): Promise<void> {
  transaction.locality?.noteOutbox();
  await transaction.run(SEND, [kind, JSON.stringify(data), payload]);
}

/** The text of `data` of a hook that is no more, in SQL: of `token`, `run_id` and `operation`. */
export const FREED_DATA = "json_build_object('token', token, 'run', run_id, 'operation', operation)::text";
