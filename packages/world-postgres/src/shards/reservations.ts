/**
 * Reservations: rows at the home of a name, each with an id of its own. The commit that needs the name uses the id in its own transaction, on the server of its run; whoever
 * finds a reservation in his way waits a moment and gives the id up there, unless it was used. One of the two is first, so a name is never given twice, however
 * late a commit lands.
 */

import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Commit, HookRecord } from "@perdure/world";
import type { Transaction } from "../database/database.ts";
import type { NameKind } from "../database/locality.ts";
import type { Holder, TokenState } from "../operations/away.ts";
import { giveUp } from "../operations/reservations.ts";
import type { Cluster } from "./cluster.ts";

/** How long a reservation that is met is given to come to be used: it may be about to. */
const GRACE_MS = 5000;
const LOOK_MS = 20;

const RESERVE_KEY = `
  INSERT INTO @keys (key, run_id, reservation, reserved_at) VALUES ($1, $2, $3, @now) ON CONFLICT (key) DO NOTHING`;
const KEY = `SELECT run_id, reservation, reserved_at < @now - ${GRACE_MS} FROM @keys WHERE key = $1`;
const DROP_KEY = "DELETE FROM @keys WHERE key = $1 AND reservation IS NOT DISTINCT FROM $2 AND run_id = $3";
const RESERVE_TOKEN = `
  INSERT INTO @hooks (token, run_id, operation, reservation, reserved_at) VALUES ($1, $2, $3, $4, @now) ON CONFLICT (token) DO NOTHING`;
const TOKEN = `SELECT run_id, reservation, reserved_at < @now - ${GRACE_MS}, operation FROM @hooks WHERE token = $1`;
const DROP_TOKEN = "DELETE FROM @hooks WHERE token = $1 AND reservation = $2 AND run_id = $3";

/** Whether a reservation was used or given up (null: neither), and whether what it was used for is still there. */
const STANDING = "SELECT (SELECT used FROM @reservations WHERE id = $1)";
const KEY_STANDING = `${STANDING}, EXISTS (SELECT 1 FROM @runs WHERE id = $2)`;
const TOKEN_STANDING = `${STANDING}, EXISTS (SELECT 1 FROM @hooks WHERE token = $3 AND run_id = $2)`;

type Kept = readonly [runId: string, reservation: string | null, isOld: boolean | null, operation?: string];

export interface Reservations {
  /** Reserves a key for a run, unless another one has it. */
  key(home: Transaction, key: string, run: string): Promise<Holder>;
  /** Reserves the token of a hook. */
  token(home: Transaction, commit: Commit, hook: HookRecord): Promise<TokenState>;
  /** At the home of a name, a transaction finds a reservation in its way: it must be a living one, which is returned. */
  clear(home: Transaction, kind: NameKind, name: string): Promise<Holder | null>;
  /** Gives a reservation back, unless somebody else came to use it: another owner of the same run. */
  drop(kind: NameKind, name: string, holder: Holder): Promise<void>;
  /** The run that has a name, or has reserved it. */
  holder(home: Transaction, kind: NameKind, name: string): Promise<string | null>;
}

export function createReservations(cluster: Cluster): Reservations {
  /** Whether a reservation never came to be used, or what it was used for is gone; waits a moment for one that may be about to. From then on it never will. */
  async function isDead(kept: Kept, kind: NameKind, name: string): Promise<boolean> {
    const [runId, reservation, isOld] = kept;
    if (reservation === null && kind === "token") return false; // a hook of the home's own
    await cluster.know([runId]);
    const { statements } = cluster.shardOf(runId);
    const deadline = performance.now() + GRACE_MS;
    for (;;) {
      const values = kind === "token" ? [reservation, runId, name] : [reservation, runId];
      const [row] = await statements.all(kind === "token" ? TOKEN_STANDING : KEY_STANDING, values);
      const [used, exists] = row as unknown as readonly [boolean | null, boolean];
      if (reservation === null) return !exists; // given with its run, which may have been removed since
      if (used !== null) return !(used && exists);
      if (isOld === true || performance.now() > deadline) await giveUp(statements, reservation);
      else await sleep(LOOK_MS);
    }
  }

  async function reserveKey(home: Transaction, key: string, run: string): Promise<Holder> {
    for (;;) {
      await home.run(RESERVE_KEY, [key, run, randomUUID()]);
      const kept = (await keptOf(home, KEY, key)) as Kept | undefined;
      if (kept === undefined) continue;
      if (kept[0] !== run && (await isDead(kept, "key", key))) await home.run(DROP_KEY, [key, kept[1], kept[0]]);
      else return { runId: kept[0], reservation: kept[1] };
    }
  }

  async function clear(home: Transaction, kind: NameKind, name: string): Promise<Holder | null> {
    const kept = await keptOf(home, kind === "key" ? KEY : TOKEN, name);
    if (kept === undefined) return null;
    const [runId, reservation] = kept;
    if (await isDead(kept, kind, name)) {
      await home.run(kind === "key" ? DROP_KEY : DROP_TOKEN, [name, reservation, runId]);
      return null;
    }
    return { runId, reservation: null, ...(reservation !== null && { living: reservation }) };
  }

  async function reserveToken(
    home: Transaction,
    { runId, disposedHooks = [] }: Commit,
    { token, operation }: HookRecord,
  ): Promise<TokenState> {
    const isDisposed = disposedHooks.includes(operation);
    for (;;) {
      if (!isDisposed) await home.run(RESERVE_TOKEN, [token, runId, operation, randomUUID()]);
      const kept = await keptOf(home, TOKEN, token);
      if (kept === undefined && isDisposed) return { is: "free" };
      if (kept === undefined) continue;
      const [holder, reservation, , holding] = kept;
      const isOwn = holder === runId && holding === operation;
      if (isOwn) return isDisposed || reservation === null ? { is: "free" } : { is: "reserved", reservation };
      if (holder === runId && disposedHooks.includes(holding!)) return { is: isDisposed ? "free" : "passed" };
      if (!(await isDead(kept, "token", token))) return { is: "taken" };
      await home.run(DROP_TOKEN, [token, reservation, holder]);
    }
  }

  async function drop(kind: NameKind, name: string, { runId, reservation }: Holder): Promise<void> {
    if (reservation === null) return;
    if (!(await giveUp(cluster.shardOf(runId).statements, reservation))) return;
    await cluster.homeOf(kind, name).statements.run(kind === "key" ? DROP_KEY : DROP_TOKEN, [name, reservation, runId]);
  }

  return { key: reserveKey, token: reserveToken, clear, drop, holder };
}

async function holder(home: Transaction, kind: NameKind, name: string): Promise<string | null> {
  return (await keptOf(home, kind === "key" ? KEY : TOKEN, name))?.[0] ?? null;
}

async function keptOf(home: Transaction, read: string, name: string): Promise<Kept | undefined> {
  return (await home.all(read, [name]))[0] as readonly unknown[] as Kept | undefined;
}
