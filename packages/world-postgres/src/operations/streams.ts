import type { StreamAppend, StreamAppended, StreamChunk, StreamPage, StreamRef } from "@perdure/world";
import { WorldError } from "@perdure/world";
import { bytesArray } from "../database/arrays.ts";
import type { Transaction } from "../database/database.ts";
import { nameParam, runParam, statusOf } from "./records.ts";

const FIND = "SELECT id, length, closed FROM @streams WHERE run_id = $1 AND name = $2";
/** Locks the stream. Its run is only required to exist: rows of runs are removed with all that they have. */
const FIND_OR_ADD = `
  WITH added AS (
    INSERT INTO @streams (run_id, name) SELECT $1, $2 WHERE NOT EXISTS (SELECT 1 FROM @streams WHERE run_id = $1 AND name = $2)
    ON CONFLICT (run_id, name) DO NOTHING RETURNING id, length, closed
  )
  SELECT id, length, closed FROM added`;
const FIND_LOCKED = `${FIND} FOR NO KEY UPDATE`;
const EXISTS = "SELECT 1 FROM @runs WHERE id = $1 FOR KEY SHARE";
const ADD_CHUNKS = `
  INSERT INTO @chunks (stream, position, data)
  SELECT $1, $2 + c.place - 1, c.data FROM unnest($3::bytea[]) WITH ORDINALITY AS c(data, place)`;
const GROW = "UPDATE @streams SET length = length + $2, closed = closed OR $3 WHERE id = $1";
const WRITTEN = "SELECT written FROM @stream_writers WHERE stream = $1 AND writer = $2";
const WRITE = `
  INSERT INTO @stream_writers (stream, writer, written) VALUES ($1, $2, $3) ON CONFLICT (stream, writer) DO UPDATE SET written = $3`;
const PAGE = `
  SELECT r.status, s.id, s.length, s.closed FROM @runs r LEFT JOIN @streams s ON s.run_id = r.id AND s.name = $2 WHERE r.id = $1`;
const READ = "SELECT data FROM @chunks WHERE stream = $1 AND position >= $2 AND position < $3 ORDER BY position LIMIT $4";

type StreamRow = readonly [id: number, length: number, closed: boolean];

/** {@link World.streams} append. */
export async function appendStreams(transaction: Transaction, appends: readonly StreamAppend[]): Promise<StreamAppended[]> {
  const results: StreamAppended[] = [];
  for (const append of appends) results.push(await appendOne(transaction, append));
  return results;
}

async function appendOne(transaction: Transaction, append: StreamAppend): Promise<StreamAppended> {
  const { runId, name, chunks, close = false, writer } = append;
  const run = runParam(runId);
  if (run === null || (await transaction.all(EXISTS, [run])).length === 0) return { status: "not_found" };
  const [stream, length, closed] = await findOrAdd(transaction, run, name);
  const known = writer === undefined ? 0 : (await writtenBy(transaction, stream, writer.id)) - writer.from;
  if (known < 0) return { status: "behind" };
  const added = known === 0 ? chunks : chunks.slice(known);
  if (closed && added.length > 0) return { status: "closed" };
  await extend(transaction, stream, length, added, close && !closed);
  if (writer !== undefined && added.length > 0) await transaction.run(WRITE, [stream, writer.id, writer.from + chunks.length]);
  return { status: "appended", added: added.length, length: length + added.length };
}

/** What a commit says to the streams of its run, which are known to be open where it appends. */
export async function applyChunks(transaction: Transaction, run: string, chunks: readonly StreamChunk[]): Promise<void> {
  for (const name of new Set(chunks.map((chunk) => chunk.name))) {
    const own = chunks.filter((chunk) => chunk.name === name);
    const data = own.flatMap((chunk) => chunk.data ?? []);
    const [stream, length] = await findOrAdd(transaction, run, name);
    await extend(transaction, stream, length, data, own.length > data.length);
  }
}

async function extend(
  transaction: Transaction,
  stream: number,
  length: number,
  chunks: readonly Uint8Array[],
  closes: boolean,
): Promise<void> {
  if (chunks.length > 0) await transaction.run(ADD_CHUNKS, [stream, length, bytesArray(chunks)]);
  if (chunks.length > 0 || closes) await transaction.run(GROW, [stream, chunks.length, closes]);
}

async function writtenBy(transaction: Transaction, stream: number, writer: string): Promise<number> {
  return ((await transaction.all(WRITTEN, [stream, writer]))[0]?.[0] as number | undefined) ?? 0;
}

/** Whether the run's stream was closed. */
export async function isClosed(transaction: Transaction, run: string, name: string): Promise<boolean> {
  return (await transaction.all(FIND_LOCKED, [run, name]))[0]?.[2] === true;
}

/** {@link World.streams} read. How the stream stood comes first: chunks behind that length belong to the next page. */
export async function readStream(transaction: Transaction, ref: StreamRef, from: number, limit: number | undefined): Promise<StreamPage> {
  const [row] = await transaction.all(PAGE, [runParam(ref.runId), nameParam(ref.name)]);
  if (row === undefined) return { chunks: [], next: from, done: false, length: 0, run: null };
  const [status, stream, length, closed] = row as unknown as readonly [number, number | null, number, boolean];
  const run = statusOf(status);
  if (stream === null) return { chunks: [], next: from, done: false, length: 0, run };
  const rows = from >= length ? [] : await transaction.all(READ, [stream, from, length, limit ?? null]);
  const next = from + rows.length;
  return { chunks: rows.map(([data]) => data as Uint8Array), next, done: closed && next >= length, length, run };
}

async function findOrAdd(transaction: Transaction, run: string, name: string): Promise<StreamRow> {
  const [added] = await transaction.all(FIND_OR_ADD, [run, name]);
  const [row] = added === undefined ? await transaction.all(FIND_LOCKED, [run, name]) : [added];
  return row as unknown as StreamRow;
}

/** The error of a write behind the end of a stream. */
export function streamClosed(runId: string, name: string): WorldError {
  return new WorldError("STREAM_CLOSED", `The stream "${name}" of run ${runId} is closed.`, { hint: "Append before closing it." });
}
