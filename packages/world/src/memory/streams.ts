import type { StreamAppend, StreamAppended, StreamPage, StreamRef } from "../index.ts";
import { assertAppends, assertCount } from "../index.ts";
import { copy, type Store, type StoredRun, type StoredStream } from "./store.ts";

/** {@link World.streams} append. */
export function appendStreams(store: Store, appends: readonly StreamAppend[]): StreamAppended[] {
  assertAppends(appends);
  return appends.map((append) => appendOne(store, append));
}

function appendOne(store: Store, { runId, name, chunks, close = false, writer }: StreamAppend): StreamAppended {
  const run = store.runs.get(runId);
  if (run === undefined) return { status: "not_found" };
  const stream = streamOf(run, name);
  const known = writer === undefined ? 0 : (stream.writers.get(writer.id) ?? 0) - writer.from;
  if (known < 0) return { status: "behind" };
  const added = chunks.slice(known);
  if (stream.closed && added.length > 0) return { status: "closed" };
  appendChunks(stream, added);
  if (writer !== undefined && added.length > 0) stream.writers.set(writer.id, writer.from + chunks.length);
  if (added.length > 0 || (close && !stream.closed)) store.hints.stream(runId);
  if (close) stream.closed = true;
  return { status: "appended", added: added.length, length: stream.chunks.length };
}

/** {@link World.streams} read. */
export function readStream(store: Store, ref: StreamRef, from: number, limit: number | undefined): StreamPage {
  assertCount("The start of a stream page", from, 0);
  if (limit !== undefined) assertCount("The limit of a stream page", limit, 1);
  const run = store.runs.get(ref.runId);
  const stored = run?.streams.get(ref.name);
  const chunks = (stored?.chunks ?? []).slice(from, limit === undefined ? undefined : from + limit).map(copy);
  const length = stored?.chunks.length ?? 0;
  const next = from + chunks.length;
  return { chunks, next, done: stored?.closed === true && next >= length, length, run: run?.status ?? null };
}

/** The run's stream of that name, made when it is new. */
export function streamOf(run: StoredRun, name: string): StoredStream {
  const stream = run.streams.get(name) ?? { chunks: [], writers: new Map<string, number>(), closed: false };
  run.streams.set(name, stream);
  return stream;
}

/** Appends copies of the chunks. */
export function appendChunks(stream: StoredStream, chunks: readonly Uint8Array[]): void {
  for (const chunk of chunks) stream.chunks.push(copy(chunk));
}
