/**
 * Leases that do not depend on the event loop: a thread of its own renews them, so that a step which blocks the loop keeps its runs. A worker that shows no sign of life for `stuckMs` is given
 * up all the same, and a process that is stopped as a whole stops its thread with it.
 *
 * It may fail (no thread, no way to load `pg`, a database that it cannot enter) without harm: whoever asks learns when the last renewal was, and renews where that is too long ago.
 */
import { createRequire } from "node:module";
import { Worker } from "node:worker_threads";
import type pg from "pg";
import { threadCode } from "./thread-code.ts";
import { warnOf } from "../warning.ts";

/** The leases of the workers of one World. */
export interface LeaseThread {
  /** The worker lives, and its lease was renewed just now or by the thread: it is kept for the next `stuckMs`. @param id as in its row */
  alive(id: number, leaseMs: number): void;
  /** When the last renewal began that the thread has made for the worker, by {@link sharedNow}; null when there was none. */
  renewedAt(id: number): number | null;
  /** Resolves when nothing of the worker's is under way, or soon. */
  letGo(id: number): Promise<void>;
  close(): Promise<void>;
}

export interface LeaseThreadOptions {
  /** Where the database is; null when there is no connection to be had. */
  readonly connection: pg.ClientConfig | null;
  /** The statement that renews the lease of $1 for another $2 ms, if it has a row. */
  readonly renew: string;
  readonly stuckMs: number;
}

interface Kept {
  /** With the thread: the last sign of life, the last renewal, the length of the lease. */
  readonly shared: BigInt64Array;
  readonly gone: Promise<void>;
  readonly onGone: () => void;
}

type FromThread = { readonly gone: number } | { readonly askPassword: true };

/** How long the end of a renewal is waited for: one that comes later finds no row. */
const letGoMs = 500;

/** Milliseconds by the clock that all threads of the process share; no one sets it. */
export function sharedNow(): number {
  return Number(process.hrtime.bigint() / 1_000_000n);
}

export function createLeaseThread(options: LeaseThreadOptions): LeaseThread {
  const kept = new Map<number, Kept>();
  let thread: Worker | null = null;
  let isOff = options.connection === null || options.stuckMs === 0;

  function start(): Worker | null {
    try {
      return startThread(options, {
        onGone: (id) => forget(id),
        onFailure(error) {
          isOff = true;
          thread = null;
          for (const id of kept.keys()) forget(id);
          warnOf("LEASE_THREAD_FAILED", `The thread that keeps leases has ended (${reasonOf(error)}).`);
        },
      });
    } catch (error) {
      isOff = true;
      warnOf("LEASE_THREAD_FAILED", `The thread that keeps leases cannot start (${reasonOf(error)}).`);
      return null;
    }
  }

  function forget(id: number): void {
    kept.get(id)?.onGone();
    kept.delete(id);
  }

  function keep(id: number, leaseMs: number): void {
    thread ??= start();
    if (!thread) return;
    const shared = new BigInt64Array(new SharedArrayBuffer(3 * BigInt64Array.BYTES_PER_ELEMENT));
    let onGone = (): void => undefined;
    const gone = new Promise<void>((resolve) => (onGone = resolve));
    kept.set(id, { shared, gone, onGone });
    note(shared, leaseMs);
    thread.postMessage({ keep: { id, shared } });
  }

  async function end(): Promise<void> {
    const ending = thread;
    thread = null;
    await ending?.terminate();
  }

  return {
    alive(id, leaseMs) {
      if (isOff) return;
      const one = kept.get(id);
      if (one) note(one.shared, leaseMs);
      else keep(id, leaseMs);
    },
    renewedAt(id) {
      const one = kept.get(id);
      const at = one ? Number(Atomics.load(one.shared, 1)) : 0;
      return at === 0 ? null : at;
    },
    async letGo(id) {
      const one = kept.get(id);
      if (!one || !thread) return;
      thread.postMessage({ letGo: id });
      await settledOrLate(one.gone);
      forget(id);
      if (kept.size === 0) await end();
    },
    async close() {
      isOff = true;
      for (const id of kept.keys()) forget(id);
      await end();
    },
  };
}

function note(shared: BigInt64Array, leaseMs: number): void {
  Atomics.store(shared, 0, BigInt(sharedNow()));
  Atomics.store(shared, 2, BigInt(Math.ceil(leaseMs)));
}

interface ThreadEvents {
  onGone(id: number): void;
  onFailure(error: unknown): void;
}

function startThread({ connection, renew, stuckMs }: LeaseThreadOptions, { onGone, onFailure }: ThreadEvents): Worker {
  const { password, ...others } = cloneable(connection ?? {});
  const asks = typeof password === "function";
  const thread = new Worker(threadCode, {
    eval: true,
    name: "perdure leases",
    // The loaders of the application have nothing to do here.
    execArgv: [],
    workerData: {
      pg: findPg(),
      connection: asks || password === undefined ? others : { ...others, password },
      asksPassword: asks,
      renew,
      stuckMs,
    },
  });
  thread.on("message", (message: FromThread) => {
    if ("gone" in message) return onGone(message.gone);
    // Tokens that expire are asked for with each connection. One that cannot be had makes the connection fail, and the next one asks again.
    if (asks) void tellPassword(thread, password as () => string | Promise<string>);
  });
  thread.once("error", onFailure);
  thread.unref();
  return thread;
}

async function tellPassword(thread: Worker, password: () => string | Promise<string>): Promise<void> {
  try {
    thread.postMessage({ password: await password() });
  } catch {
    thread.postMessage({ password: "" });
  }
}

/** A connection's options without what belongs to a pool. What a thread cannot be given makes its start fail. */
function cloneable(connection: pg.ClientConfig): pg.ClientConfig {
  const { Client: _1, Promise: _2, log: _3, verify: _4, onConnect: _5, types: _6, ...rest } = connection as Record<string, unknown>;
  return rest;
}

/** The file of `pg`: as this package sees it, or where a bundler has moved this code, as the program does. */
function findPg(): string {
  try {
    return createRequire(import.meta.url).resolve("pg");
  } catch (error) {
    const program = process.argv[1];
    if (program === undefined) throw error;
    return createRequire(program).resolve("pg");
  }
}

async function settledOrLate(gone: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  await Promise.race([gone, new Promise<void>((resolve) => (timer = setTimeout(resolve, letGoMs)))]);
  clearTimeout(timer);
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
