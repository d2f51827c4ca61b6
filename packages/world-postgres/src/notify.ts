/**
 * Hints between processes, by LISTEN and NOTIFY.
 *
 * A notification is a commit of its own that others wait for, so it is never part of a commit: hints are collected while one is on its way, and at most
 * one is sent in 20 ms. They may be lost: polling is the truth, and nothing here ever fails a call. Where there is no way to listen (a pooler
 * in transaction mode, a server that refuses), the World still tells its own process.
 */

import { createHash } from "node:crypto";
import type { Hint, Hints } from "@perdure/world";
import { createHints } from "@perdure/world";
import pg from "pg";
import type { Database } from "./database/database.ts";
import type { PgSource } from "./database/source.ts";

const PAUSE_MS = 20;
/** The limit for a notification is 8,000 bytes. */
const MAX_BYTES = 7900;
/** More than so many hints at once are not worth their weight: those who wait for one of them find it by polling. */
const MAX_IDS = 2000;
const RECONNECT_MS = [100, 30_000] as const;

const KINDS = { e: "ended", s: "state", r: "stream" } as const;
const MARKS = { ended: "e", state: "s", stream: "r" } as const;

export interface Notifier {
  /** Hints of this process: told here at once, and to the others soon. */
  readonly hints: Hints;
  /** Listens to the others from now on, as soon as somebody watches here: a process that only starts runs needs no connection for it. */
  listen(): void;
  close(): Promise<void>;
}

/** What of a World notifications need. */
export interface NotifierOptions {
  readonly source: PgSource;
  readonly database: Database;
  /** The name of the notifications of this schema. */
  readonly channel: string;
  /** False: nothing is sent and nobody listens. */
  isWanted(): boolean;
}

/** The longest name that PostgreSQL takes, in bytes. */
const MAX_NAME = 63;

/** The name of the notifications of a schema. */
export function channelOf(schema: string): string {
  const name = `perdure_${schema}`;
  if (Buffer.byteLength(name) <= MAX_NAME) return name;
  return `perdure_${createHash("sha256").update(schema).digest("hex").slice(0, 32)}`;
}

export function createNotifier(options: NotifierOptions): Notifier {
  const own = createHints();
  /** What this process sent itself, it was told already. */
  const name = Math.random().toString(36).slice(2, 10);
  const sender = createSender(options, name);
  const listener = createListener(options, (payload) => receive(own, name, payload));
  const tell = (hint: Hint): void => {
    if (hint.kind === "due") own.due();
    else own[hint.kind](hint.runId);
    if (options.isWanted()) sender.add(hint);
  };
  let isWatched = false;
  const listen = (): void => {
    if (isWatched && options.isWanted()) listener.listen();
  };
  return {
    hints: {
      watch(listener) {
        isWatched = true;
        listen();
        return own.watch(listener);
      },
      due: () => tell({ kind: "due" }),
      ended: (runId) => tell({ kind: "ended", runId }),
      state: (runId) => tell({ kind: "state", runId }),
      stream: (runId) => tell({ kind: "stream", runId }),
    },
    listen,
    async close() {
      await Promise.all([listener.close(), sender.close()]);
    },
  };
}

function receive(own: Hints, name: string, payload: string): void {
  const [from, ...marks] = payload.split(" ");
  if (from === name) return;
  for (const mark of marks) {
    const kind = KINDS[mark[0] as keyof typeof KINDS];
    if (kind !== undefined) own[kind](mark.slice(1));
    else if (mark === "d") own.due();
  }
}

interface Sender {
  add(hint: Hint): void;
  close(): Promise<void>;
}

function createSender({ database, channel }: NotifierOptions, name: string): Sender {
  let waiting = newWaiting();
  let sending: Promise<void> | null = null;
  let isClosed = false;

  async function send(): Promise<void> {
    while (!isClosed && hasAny(waiting)) {
      const payloads = payloadsOf(waiting, name);
      waiting = newWaiting();
      try {
        await database.direct.all("SELECT pg_notify($1, p) FROM unnest($2::text[]) p", [channel, payloads]);
      } catch {
        // A hint is lost.
      }
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS).unref());
    }
    sending = null;
  }

  return {
    add(hint) {
      if (hint.kind === "due") waiting.due = true;
      else if (waiting.ids.size < MAX_IDS) waiting.ids.add(`${MARKS[hint.kind]}${hint.runId}`);
      sending ??= Promise.resolve().then(send);
    },
    async close() {
      isClosed = true;
      await sending;
    },
  };
}

interface Listener {
  listen(): void;
  close(): Promise<void>;
}

function createListener({ source, channel, isWanted }: NotifierOptions, receive: (payload: string) => void): Listener {
  let listener: pg.Client | null = null;
  let isClosed = false;
  let timer: NodeJS.Timeout | null = null;
  let reconnectMs: number = RECONNECT_MS[0];

  async function connect(): Promise<void> {
    timer = null;
    if (source.connection === null || isClosed || !isWanted()) return;
    const client = new pg.Client(source.connection);
    listener = client;
    const lost = (): void => {
      if (listener !== client) return;
      listener = null;
      void client.end().catch(() => {});
      reconnect();
    };
    client.on("error", lost);
    client.on("end", lost);
    client.on("notification", ({ payload }) => receive(payload ?? ""));
    try {
      await client.connect();
      await client.query(`LISTEN "${channel.replaceAll('"', '""')}"`);
      reconnectMs = RECONNECT_MS[0];
      unref(client);
      receive("? d"); // whatever was said meanwhile
    } catch {
      lost();
    }
  }

  function reconnect(): void {
    if (isClosed) return;
    timer = setTimeout(() => void connect(), reconnectMs * (0.5 + Math.random()));
    timer.unref();
    reconnectMs = Math.min(reconnectMs * 2, RECONNECT_MS[1]);
  }

  return {
    listen() {
      if (listener === null && timer === null) void connect();
    },
    async close() {
      isClosed = true;
      if (timer !== null) clearTimeout(timer);
      const client = listener;
      listener = null;
      await client?.end().catch(() => {});
    },
  };
}

interface Waiting {
  due: boolean;
  readonly ids: Set<string>;
}

function newWaiting(): Waiting {
  return { due: false, ids: new Set() };
}

function hasAny({ due, ids }: Waiting): boolean {
  return due || ids.size > 0;
}

function payloadsOf({ due, ids }: Waiting, sender: string): string[] {
  const payloads: string[] = [];
  let payload = due ? `${sender} d` : sender;
  for (const id of ids) {
    if (payload.length + id.length + 1 > MAX_BYTES) {
      payloads.push(payload);
      payload = sender;
    }
    payload += ` ${id}`;
  }
  return [...payloads, payload];
}

/** Listening must not keep a process alive. */
function unref(client: pg.Client): void {
  const { connection } = client as unknown as { connection?: { stream?: { unref?: () => void } } };
  connection?.stream?.unref?.();
}
