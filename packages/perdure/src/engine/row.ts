/**
 * A row of history: one event, what the workflow asked for on it, and the event's payload (a result, an error, what a hook received).
 * As text: one line of JSON, a line feed, the payload as the codec wrote it; JSON never holds a raw line feed.
 */
import type { AskDetails, Event } from "./event.ts";

export interface Row {
  readonly event: Event;
  /** Names of asks, in order. */
  readonly asks: readonly string[];
  /** Of some asks, for whoever looks at the run. */
  readonly details?: AskDetails | undefined;
  readonly payload: string;
}

export function encodeRow(row: Row): string {
  const event = JSON.stringify(row.event);
  if (row.asks.length === 0) return `${event}\n${row.payload}`;
  const details = row.details ? `,"details":${JSON.stringify(row.details)}` : "";
  return `${event.slice(0, -1)}${details},"asks":${JSON.stringify(row.asks)}}\n${row.payload}`;
}

export function decodeRow(text: string): Row {
  const end = text.indexOf("\n");
  if (end < 0) throw new TypeError("Not a history row: it has no payload line.");
  const event = JSON.parse(text.slice(0, end)) as Event & { asks?: Row["asks"]; details?: AskDetails };
  const { asks = [], details } = event;
  // (The last members, so that the object stays as it is; a copy of the others costs more than parsing them.)
  delete event.asks;
  if (details === undefined) return { event, asks, payload: text.slice(end + 1) };
  delete event.details;
  return { event, asks, details, payload: text.slice(end + 1) };
}
