// One client's connection through the proxy. A client's messages are gathered into *exchanges*: what it sends until it waits for
// ReadyForQuery, that is one Query message, or the messages of the extended protocol up to Sync. Exchanges go to the server one after
// another, each when the one before was answered, so that a fault stands between two exchanges or at a known place of one.

import type { Socket } from "node:net";
import { resetSocket } from "../../../../scripts/reset-socket.mjs";
import {
  asksForEncryption,
  boundName,
  Framer,
  type Message,
  parsed,
  query,
  queryText,
  refusal,
  statusOf,
  type TransactionStatus,
} from "./wire.ts";

/**
 * What happens to a statement. The connection is cut `before` the server sees it; `during` its work, which the server may still
 * finish while the client retries; `after` it was executed, without an answer. An error instead of executing it also fails the transaction that
 * it is in. Statements that end a failed transaction are not refused.
 */
export type Fault = "none" | "before" | "during" | "after" | { readonly code: string; readonly message: string };

interface Exchange {
  readonly messages: Message[];
  /** The statements, in one text. */
  sql: string;
  /** A part of it was flushed to the server already: it can no longer be refused. */
  begun: boolean;
}

export interface Link {
  /** Ends both sides at once. */
  cut(): void;
  /** Stops reading from both sides, or goes on. */
  hold(held: boolean): void;
}

/** Says what happens to a statement; `place`: how many its transaction had before. */
export type Decide = (sql: string, place: number) => Fault;

/** Joins a client to a server. `onEnd` is called once. */
export function link(client: Socket, server: Socket, decide: Decide, onEnd: () => void): Link {
  const fromClient = new Framer(true);
  const fromServer = new Framer(false);
  const statements = new Map<string, string>();
  const waiting: Exchange[] = [];
  let gathered: Exchange = { messages: [], sql: "", begun: false };
  let status: TransactionStatus | undefined; // undefined until the client is let in
  /** What becomes of the server's answer to the exchange that it works on; undefined when it works on none. */
  let answer: "pass" | "cut" | ((status: TransactionStatus) => void) | undefined = "pass";
  let place = 0;
  let over = false;

  const cut = (): void => {
    if (over) return;
    over = true;
    resetSocket(client);
    server.destroy();
    onEnd();
  };

  const forward = (messages: readonly Message[]): void => void server.write(Buffer.concat(messages.map(({ bytes }) => bytes)));

  /** Refuses an exchange in the server's name; the transaction, if there is one, fails on the server too. */
  const refuse = (sql: string, code: string, text: string): void => {
    if (status !== "T") {
      client.write(refusal(code, text, status!));
      return;
    }
    // A commit that fails ends its transaction; another statement that fails leaves one that can only be rolled back.
    server.write(query(/^\s*(commit|end)\b/i.test(sql) ? "ROLLBACK" : "SELECT 1/0"));
    answer = (now) => void client.write(refusal(code, text, now));
  };

  const begin = ({ messages, sql, begun }: Exchange): void => {
    place = status === "I" ? 0 : place + 1;
    let fault = decide(sql, place);
    const ends = status === "E" || /^\s*(rollback|abort)\b/i.test(sql);
    if (typeof fault === "object" && (begun || ends)) fault = "none"; // nothing to refuse
    if (typeof fault === "object") return refuse(sql, fault.code, fault.message);
    if (fault === "before") return cut();
    forward(messages);
    answer = fault === "none" ? "pass" : "cut";
    // The server goes on working for a client that is gone already.
    if (fault === "during") resetSocket(client);
  };

  const next = (): void => {
    while (!over && status !== undefined && answer === undefined && waiting.length > 0) begin(waiting.shift()!);
  };

  const gather = (message: Message): void => {
    const { type } = message;
    gathered.messages.push(message);
    if (type === "Q") gathered.sql = queryText(message);
    if (type === "P") {
      const { name, sql } = parsed(message);
      statements.set(name, sql);
    }
    if (type === "B") gathered.sql += `${gathered.sql && "; "}${statements.get(boundName(message)) ?? ""}`;
    if (type === "Q" || type === "S") {
      waiting.push(gathered);
      gathered = { messages: [], sql: "", begun: false };
    } else if (type === "H" || type === "X") {
      forward(gathered.messages.splice(0));
      gathered.begun = true;
    }
  };

  const onClient = (message: Message): void => {
    if (message.type === "" && asksForEncryption(message)) client.write("N");
    else if (status === undefined || "dcf".includes(message.type)) forward([message]);
    else gather(message);
  };

  const onServer = (message: Message): void => {
    const ready = message.type === "Z";
    if (ready) status = statusOf(message);
    const to = answer;
    if (ready) answer = undefined;
    if (to === "cut") return ready ? cut() : undefined;
    if (typeof to === "function" && !"ANS".includes(message.type)) return ready ? to(status!) : undefined;
    client.write(message.bytes);
  };

  client.on("data", (chunk) => {
    fromClient.push(chunk).forEach(onClient);
    next();
  });
  server.on("data", (chunk) => {
    fromServer.push(chunk).forEach(onServer);
    next();
  });
  client.on("error", () => {}).on("close", () => answer === "cut" || cut());
  server.on("error", cut).on("close", () => {
    answer = undefined;
    if (client.destroyed) cut();
    else client.end(); // what the server said last still reaches it
  });
  return {
    cut,
    hold(held) {
      for (const socket of [client, server]) socket[held ? "pause" : "resume"]();
    },
  };
}
