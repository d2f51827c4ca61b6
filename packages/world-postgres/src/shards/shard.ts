/**
 * One server of several, and whether it answers.
 *
 * A server that cannot be used is `down` until a probe succeeds. While it is down, calls about its own runs still go to it (they wait for it as long as a single World
 * would); those that ask all servers go on without it.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { WorldError, type World } from "@perdure/world";
import type { Database, Transaction } from "../database/database.ts";
import { isReservationLost } from "../operations/reservations.ts";
import { worldOn } from "../server-world.ts";
import type { Store } from "../store.ts";

/** How long an answer is awaited where others can be had without it. */
export const QUICK_MS = 2000;
/** The same for the first time, when tables may have to be made. */
const OPEN_MS = 5000;
const PROBE_MS = [200, 5000] as const;

export interface Shard {
  readonly name: string;
  readonly store: Store;
  readonly world: World;
  /** Whether the last thing that was heard of it was good. */
  readonly isUp: boolean;
  /** @throws WORLD_CLOSED, WORLD_UNAVAILABLE before its `setup` */
  database(): Database;
  /** Sets it up, or finds out that it cannot be reached, which is not an error: it is set up when it can. @throws what setup() throws, but for WORLD_UNAVAILABLE */
  open(): Promise<void>;
  /** A call that others do not depend on. What it throws tells whether the server answers. */
  call<T>(work: (world: World) => Promise<T>): Promise<T>;
  /** A call that is given up after a moment, and at once while the server is down. What it does may happen all the same. @throws WORLD_UNAVAILABLE */
  quickly<T>(work: (world: World) => Promise<T>): Promise<T>;
  /** Statements of their own, each by {@link Shard.quickly}. */
  readonly statements: Transaction;
  close(): Promise<void>;
}

/** What happens when a server that was down answers. */
export interface Return {
  /** Before it counts as up again; when it fails the server stays down. */
  comesUp(): Promise<void>;
  /** Afterwards. */
  isUp(): void;
}

export function createShard(name: string, store: Store, quickMs: number, { comesUp, isUp: isUpAgain }: Return): Shard {
  const world = worldOn(store);
  let isUp = false;
  let isClosed = false;
  let probing: Promise<void> | null = null;
  const stopped = new AbortController();

  function wentDown(): void {
    isUp = false;
    if (!isClosed) probing ??= probe().finally(() => (probing = null));
  }

  async function probe(): Promise<void> {
    for (let pauseMs: number = PROBE_MS[0]; !isClosed; pauseMs = Math.min(pauseMs * 2, PROBE_MS[1])) {
      await sleep(pauseMs * (0.5 + Math.random()), undefined, { ref: false, signal: stopped.signal }).catch(() => {});
      if (isClosed) return;
      try {
        await inTime(name, quickMs, comeUp());
        isUp = true;
      } catch {
        continue; // not yet
      }
      return isUpAgain();
    }
  }

  async function comeUp(): Promise<void> {
    await store.setup();
    await store.database().direct.all("SELECT 1", []);
    await comesUp();
  }

  async function call<T>(work: (world: World) => Promise<T>): Promise<T> {
    try {
      await store.setup();
      return await work(world);
    } catch (error) {
      if (isUnavailable(error) && !isReservationLost(error)) wentDown();
      throw error;
    }
  }

  const quickly: Shard["quickly"] = async (work) => {
    if (!isUp) throw downError(name);
    return inTime(name, quickMs, call(work)).catch((error: unknown) => {
      if (isUnavailable(error)) wentDown();
      throw error;
    });
  };

  const shard: Shard = {
    name,
    store,
    world,
    get isUp() {
      return isUp;
    },
    database: store.database,
    async open() {
      try {
        await inTime(name, Math.max(quickMs, OPEN_MS), store.setup());
        isUp = true;
      } catch (error) {
        if (!isUnavailable(error)) throw error;
        wentDown();
      }
    },
    call,
    quickly,
    statements: {
      all: async (template, values) => quickly(() => store.database().all(template, values)),
      run: async (template, values) => quickly(() => store.database().run(template, values)),
      locality: null,
    },
    async close() {
      isClosed = true;
      stopped.abort();
      await store.close();
      await probing;
    },
  };
  return shard;
}

/** Gives up waiting after a while. */
async function inTime<T>(name: string, ms: number, answer: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(downError(name)), ms);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}

export function isUnavailable(error: unknown): boolean {
  return WorldError.is(error) && error.code === "WORLD_UNAVAILABLE";
}

function downError(name: string): WorldError {
  return new WorldError("WORLD_UNAVAILABLE", `The server "${name}" does not answer.`, {
    hint: "Check that it runs and can be reached; the same call may succeed later.",
  });
}
