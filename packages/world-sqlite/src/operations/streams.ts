import type { RunStatus, StreamAppend, StreamAppended, StreamChunk, StreamPage, StreamRef } from "@perdure/world";
import { WorldError } from "@perdure/world";
import type { Transaction } from "../database.ts";
import { keyOfRun } from "./records.ts";

const FIND = "SELECT id, length, closed FROM streams WHERE run = ?1 AND name = ?2";
const ADD = "INSERT INTO streams (run, name) VALUES (?1, ?2) RETURNING id, length, closed";
const ADD_CHUNK = "INSERT INTO chunks (stream, position, data) VALUES (?1, ?2, ?3)";
const GROW = "UPDATE streams SET length = length + ?2 WHERE id = ?1";
const CLOSE = "UPDATE streams SET closed = 1 WHERE id = ?1";
const READ = "SELECT data FROM chunks WHERE stream = ?1 AND position >= ?2 ORDER BY position LIMIT ?3";
const STATUS = "SELECT status FROM runs WHERE id = ?1";
const WRITTEN = "SELECT written FROM stream_writers WHERE stream = ?1 AND writer = ?2";
const WRITE = `
  INSERT INTO stream_writers (stream, writer, written) VALUES (?1, ?2, ?3) ON CONFLICT (stream, writer) DO UPDATE SET written = ?3`;

type StreamRow = readonly [id: number, length: number, closed: number];

/** {@link World.streams} append. */
export function appendStreams(transaction: Transaction, appends: readonly StreamAppend[]): StreamAppended[] {
  return appends.map((append) => appendOne(transaction, append));
}

function appendOne(transaction: Transaction, { runId, name, chunks, close = false, writer }: StreamAppend): StreamAppended {
  const run = keyOfRun(transaction, runId);
  if (run === undefined) return { status: "not_found" };
  const [stream, length, closed] = findOrAdd(transaction, run, name);
  const known = writer === undefined ? 0 : ((transaction.get(WRITTEN, [stream, writer.id])?.[0] as number | undefined) ?? 0) - writer.from;
  if (known < 0) return { status: "behind" };
  const added = known === 0 ? chunks : chunks.slice(known);
  if (closed === 1 && added.length > 0) return { status: "closed" };
  appendChunks(transaction, stream, length, added);
  if (writer !== undefined && added.length > 0) transaction.run(WRITE, [stream, writer.id, writer.from + chunks.length]);
  if (close && closed === 0) transaction.run(CLOSE, [stream]);
  return { status: "appended", added: added.length, length: length + added.length };
}

/** What a commit says to the streams of its run, which are known to be open where it appends. */
export function applyChunks(transaction: Transaction, run: number, chunks: readonly StreamChunk[]): void {
  for (const { name, data } of chunks) {
    const [stream, length] = findOrAdd(transaction, run, name);
    if (data === null) transaction.run(CLOSE, [stream]);
    else appendChunks(transaction, stream, length, [data]);
  }
}

function appendChunks(transaction: Transaction, stream: number, length: number, chunks: readonly Uint8Array[]): void {
  for (const [index, chunk] of chunks.entries()) transaction.run(ADD_CHUNK, [stream, length + index, chunk]);
  if (chunks.length > 0) transaction.run(GROW, [stream, chunks.length]);
}

/** Whether the run's stream was closed. */
export function isClosed(transaction: Transaction, run: number, name: string): boolean {
  return find(transaction, run, name)?.[2] === 1;
}

/** {@link World.streams} read. */
export function readStream(transaction: Transaction, ref: StreamRef, from: number, limit: number | undefined): StreamPage {
  const run = keyOfRun(transaction, ref.runId);
  if (run === undefined) return { chunks: [], next: from, done: false, length: 0, run: null };
  const status = transaction.get(STATUS, [run])![0] as RunStatus;
  const stream = find(transaction, run, ref.name);
  if (stream === undefined) return { chunks: [], next: from, done: false, length: 0, run: status };
  const [id, length, closed] = stream;
  const chunks = from >= length ? [] : transaction.all(READ, [id, from, limit ?? -1]).map(([data]) => data as Uint8Array);
  const next = from + chunks.length;
  return { chunks, next, done: closed === 1 && next >= length, length, run: status };
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
