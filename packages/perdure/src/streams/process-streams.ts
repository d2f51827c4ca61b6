import type { World } from "@perdure/world";

import { markStream, type StreamOpener, type StreamReference } from "../codec/index.ts";
import { encodeChunk, encodeError } from "./chunk.ts";
import { createChunkWriter } from "./chunk-writer.ts";
import { RunReadable } from "./readable.ts";
import { createStreamReader } from "./stream-reader.ts";

/** A run's stream as a value: to be read, or to be passed on, which means the whole of it however much was read. */
export function openReadable(world: () => Promise<World>, reference: StreamReference): ReadableStream {
  const reader = createStreamReader(async () => ({ world: await world(), ...reference }), 0);
  return markStream(new RunReadable(reader), reference);
}

/**
 * Streams in values that reach this process otherwise than as the input of a step. No result waits for what is written to them, so each write waits itself until its chunk
 * is durable; they are closed at once.
 */
export function streamsOf(world: () => Promise<World>): StreamOpener {
  return {
    openReadable: (reference) => openReadable(world, reference),
    openWritable(reference) {
      const open = world().then((opened) => createChunkWriter(opened, reference));
      // Whoever writes is told.
      open.catch(() => undefined);
      const stream = new WritableStream({
        async write(chunk) {
          const writer = await open;
          await writer.write(encodeChunk(chunk));
          await writer.flush();
        },
        close: async () => (await open).end(),
        abort: async (reason) => (await open).abort(reason),
      });
      return markStream(stream, reference);
    },
  };
}

/** Copies a stream into one of a run, to its end. A source that fails ends it with its error, which readers throw. */
export async function copyInto(world: World, reference: StreamReference, source: ReadableStream): Promise<void> {
  const writer = createChunkWriter(world, reference);
  try {
    for await (const chunk of source) await writer.write(encodeChunk(chunk));
  } catch (error) {
    await writer.write(encodeError(error));
  }
  await writer.end();
}
