/**
 * Carries what servers have in their outboxes to other servers.
 *
 * The process whose commit wrote something does so at once; every process looks now and then for what one that crashed has left. Nobody locks anything: rows are read in
 * order, delivered, and removed. Two that do so at once deliver twice what counts once, each in the same order: none begins behind a row that is still there. What goes to a server that is down stays until it is
 * up again, and what goes to others passes it.
 */

import { setTimeout as sleep } from "node:timers/promises";
import type { Database } from "../database/database.ts";
import { failureKind } from "../database/failure.ts";
import type { Outgoing } from "../operations/outbox.ts";
import type { Cluster } from "./cluster.ts";
import { deliverTo, destinationOf, type Post } from "./deliveries.ts";
import { isUnavailable, type Shard } from "./shard.ts";
import { warnOf } from "../warning.ts";

const PAGE = 200;
const READ = `SELECT position, kind, data, payload, at <= @now - $2::int8 FROM @outbox WHERE position > $1 ORDER BY position LIMIT ${PAGE}`;
const REMOVE = "DELETE FROM @outbox WHERE position = ANY($1::int8[])";

/** What is younger is still its writer's to deliver. */
const LEFT_BEHIND_MS = 2000;
/** At the latest after the second of these, or half as long again, somebody looks. */
const SWEEP_MS = [1000, 4000] as const;

export interface Courier {
  /** There is something in a server's outbox. */
  wake(shard: Shard): void;
  /** A server is up again: what there is for it, or in its outbox, can be delivered. */
  wakeAll(): void;
  /** Resolves when all that was written before is delivered, as far as servers are up; at the latest after `ms`. */
  settled(ms: number): Promise<void>;
  /** Begins to look for what others left behind. */
  start(): void;
  close(): Promise<void>;
}

export function createCourier(cluster: Cluster, post: Post): Courier {
  const running = new Map<Shard, Promise<void>>();
  const again = new Set<Shard>();
  const stopped = new AbortController();
  let sweeping: Promise<void> | null = null;
  let isClosed = false;

  function wake(shard: Shard): void {
    again.add(shard);
    if (isClosed || running.has(shard)) return;
    const run = drain(shard).finally(() => running.delete(shard));
    running.set(shard, run);
  }

  async function drain(shard: Shard): Promise<void> {
    // After the transaction that wrote it, which may be under way.
    await Promise.resolve();
    while (again.delete(shard) && !isClosed) await tryPass(shard, 0);
  }

  /** What a pass left undone is found by the next sweep. */
  async function tryPass(shard: Shard, olderThanMs: number): Promise<boolean> {
    try {
      return await pass(cluster, post, shard, olderThanMs);
    } catch (error) {
      if (!isClosed && !isAway(error))
        warnOf("DELIVERY_FAILED", `The outbox of the server "${shard.name}" cannot be emptied (${String(error)}).`, shard.name);
      return false;
    }
  }

  async function settled(ms: number): Promise<void> {
    if (ms <= 0 || running.size === 0) return;
    const timer = new AbortController();
    const all = (async () => {
      while (running.size > 0) await Promise.all(running.values());
    })();
    await Promise.race([all, sleep(ms, undefined, { signal: timer.signal }).catch(() => {})]);
    timer.abort();
  }

  async function sweep(): Promise<void> {
    for (let pauseMs: number = SWEEP_MS[0]; !isClosed;) {
      await sleep(pauseMs * (0.5 + Math.random()), undefined, { ref: false, signal: stopped.signal }).catch(() => {});
      let found = false;
      await cluster.refresh().catch(() => {});
      for (const shard of cluster.shards) {
        if (isClosed) return;
        if (shard.isUp && !running.has(shard)) found = (await tryPass(shard, LEFT_BEHIND_MS)) || found;
      }
      pauseMs = found ? SWEEP_MS[0] : Math.min(pauseMs * 2, SWEEP_MS[1]);
    }
  }

  return {
    wake,
    wakeAll() {
      for (const shard of cluster.shards) wake(shard);
    },
    settled,
    start() {
      if (!isClosed) sweeping ??= sweep();
    },
    async close() {
      isClosed = true;
      stopped.abort();
      await Promise.all([sweeping, ...running.values()]);
    },
  };
}

/** Whether a server only has to come back; what it refuses it will refuse again. */
function isAway(error: unknown): boolean {
  const { cause } = error as { cause?: unknown };
  return isUnavailable(error) && (cause === undefined || failureKind(cause) !== "refused");
}

/** Delivers what a server has for others, once through. Returns whether there was anything. */
async function pass(cluster: Cluster, post: Post, shard: Shard, olderThanMs: number): Promise<boolean> {
  /** Servers that failed, and receivers of messages; what else goes to them waits, so that it stays in order. */
  const failed = new Set<Shard | string>();
  let after = 0;
  for (;;) {
    const rows = await shard.quickly(() => shard.database().all(READ, [after, olderThanMs]));
    const done: number[] = [];
    let isYoung = false;
    for (const [position, kind, data, payload, isOld] of rows) {
      // Not passed by what is older and comes after it (times are those of statements, positions those of writing): order is by position.
      isYoung = olderThanMs > 0 && isOld !== true;
      if (isYoung) break;
      after = position as number;
      const one = { kind, data: JSON.parse(data as string), payload } as Outgoing;
      if (await deliver(cluster, post, one, failed)) done.push(after);
    }
    if (done.length > 0) await remove(shard.database(), done);
    if (isYoung || rows.length < PAGE) return after > 0;
  }
}

async function remove(database: Database, positions: readonly number[]): Promise<void> {
  await database.run(REMOVE, [`{${positions.join(",")}}`]);
}

async function deliver(cluster: Cluster, post: Post, one: Outgoing, failed: Set<Shard | string>): Promise<boolean> {
  let destination: Shard | string | null = null;
  try {
    if (one.kind === "message") {
      destination = JSON.stringify(one.data.to);
      if (failed.has(destination)) return false;
      await post({ ...one.data, payload: one.payload });
      return true;
    }
    if ("run" in one.data) await cluster.know([one.data.run]);
    const shard = destinationOf(cluster, one);
    destination = shard;
    if (failed.has(shard)) return false;
    await shard.quickly(() => deliverTo(shard, one));
    return true;
  } catch (error) {
    if (!isAway(error)) warnOf("DELIVERY_FAILED", `Delivering to another server failed (${one.kind}; ${String(error)}).`, one.kind);
    if (destination !== null) failed.add(destination);
    return false;
  }
}
