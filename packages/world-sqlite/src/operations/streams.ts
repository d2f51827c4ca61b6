import type { StreamPage, StreamRef } from "@perdure/world";
import { WorldError } from "@perdure/world";
import type { Transaction } from "../database.ts";
import { existingRun, keyOfRun } from "./records.ts";

const FIND = "SELECT id, length, closed FROM streams WHERE run = ?1 AND name = ?2";
const ADD = "INSERT INTO streams (run, name) VALUES (?1, ?2) RETURNING id, length, closed";
const ADD_CHUNK = "INSERT INTO chunks (stream, position, data) VALUES (?1, ?2, ?3)";
const GROW = "UPDATE streams SET length = length + ?2 WHERE id = ?1";
const CLOSE = "UPDATE streams SET closed = 1 WHERE id = ?1";
const READ = "SELECT data FROM chunks WHERE stream = ?1 AND position >= ?2 ORDER BY position LIMIT ?3";

type StreamRow = readonly [id: number, length: number, closed: number];

/** {@link World.streams} append. */
export function appendStream(transaction: Transaction, ref: StreamRef, chunks: readonly Uint8Array[]): number {
  const run = existingRun(transaction, ref.runId);
  if (isClosed(transaction, run, ref.name)) throw streamClosed(ref.runId, ref.name);
  return appendChunks(transaction, run, ref.name, chunks);
}

/** Appends to a stream that is known to be open; returns the index of the first chunk. */
export function appendChunks(transaction: Transaction, run: number, name: string, chunks: readonly Uint8Array[]): number {
  const [stream, length] = findOrAdd(transaction, run, name);
  for (const [index, chunk] of chunks.entries()) transaction.run(ADD_CHUNK, [stream, length + index, chunk]);
  if (chunks.length > 0) transaction.run(GROW, [stream, chunks.length]);
  return length;
}

/** Whether the run's stream was closed. */
export function isClosed(transaction: Transaction, run: number, name: string): boolean {
  return find(transaction, run, name)?.[2] === 1;
}

/** {@link World.streams} close. */
export function closeStream(transaction: Transaction, ref: StreamRef): void {
  const [stream] = findOrAdd(transaction, existingRun(transaction, ref.runId), ref.name);
  transaction.run(CLOSE, [stream]);
}

/** {@link World.streams} read. */
export function readStream(transaction: Transaction, ref: StreamRef, from: number, limit: number | undefined): StreamPage {
  const run = keyOfRun(transaction, ref.runId);
  const stream = run === undefined ? undefined : find(transaction, run, ref.name);
  if (stream === undefined) return { chunks: [], next: from, done: false };
  const [id, length, closed] = stream;
  const chunks = transaction.all(READ, [id, from, limit ?? -1]).map(([data]) => data as Uint8Array);
  const next = from + chunks.length;
  return { chunks, next, done: closed === 1 && next >= length };
}

function find(transaction: Transaction, run: number, name: string): StreamRow | undefined {
  return transaction.get(FIND, [run, name]) as StreamRow | undefined;
}

function findOrAdd(transaction: Transaction, run: number, name: string): StreamRow {
  return find(transaction, run, name) ?? (transaction.get(ADD, [run, name]) as unknown as StreamRow);
}

/** The error of a write behind the end of a stream. */
export function streamClosed(runId: string, name: string): WorldError {
  return new WorldError("STREAM_CLOSED", `The stream "${name}" of run ${runId} is closed.`, { hint: "Append before closing it." });
}
