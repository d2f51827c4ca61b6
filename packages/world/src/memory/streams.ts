import type { StreamPage, StreamRef } from "../index.ts";
import { assertChunks, assertCount, WorldError } from "../index.ts";
import { copy, type Store, type StoredRun, type StoredStream } from "./store.ts";

/** {@link World.streams} append. */
export function appendStream(store: Store, ref: StreamRef, chunks: readonly Uint8Array[]): number {
  assertChunks(ref.name, chunks);
  const stream = streamOf(runOf(store, ref), ref.name);
  if (stream.closed) {
    throw new WorldError("STREAM_CLOSED", `The stream "${ref.name}" of run ${ref.runId} is closed.`, { hint: "Append before closing it." });
  }
  return appendChunks(stream, chunks);
}

/** {@link World.streams} read. */
export function readStream(store: Store, ref: StreamRef, from: number, limit: number | undefined): StreamPage {
  assertCount("The start of a stream page", from, 0);
  if (limit !== undefined) assertCount("The limit of a stream page", limit, 1);
  const stream = store.runs.get(ref.runId)?.streams.get(ref.name) ?? { chunks: [], closed: false };
  const chunks = stream.chunks.slice(from, limit === undefined ? undefined : from + limit).map(copy);
  const next = from + chunks.length;
  return { chunks, next, done: stream.closed && next >= stream.chunks.length };
}

/** {@link World.streams} close. */
export function closeStream(store: Store, ref: StreamRef): void {
  assertChunks(ref.name, []);
  streamOf(runOf(store, ref), ref.name).closed = true;
}

/** The run's stream of that name, made when it is new. */
export function streamOf(run: StoredRun, name: string): StoredStream {
  const stream = run.streams.get(name) ?? { chunks: [], closed: false };
  run.streams.set(name, stream);
  return stream;
}

/** Appends copies of the chunks; returns the index of the first. */
export function appendChunks(stream: StoredStream, chunks: readonly Uint8Array[]): number {
  const first = stream.chunks.length;
  for (const chunk of chunks) stream.chunks.push(copy(chunk));
  return first;
}

function runOf(store: Store, { runId }: StreamRef): StoredRun {
  const run = store.runs.get(runId);
  if (run === undefined) throw new WorldError("RUN_NOT_FOUND", `There is no run ${runId}.`, { hint: "Check the id of the run." });
  return run;
}
