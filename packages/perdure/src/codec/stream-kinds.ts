import type { Kind } from "./kind.ts";
import { referenceOfStream, streamOpener, type StreamReference } from "./stream-references.ts";

/** A stream that is none of a run's must be made one first, which takes a promise. */
export const readableStream: Kind<ReadableStream> = {
  write(value, writer) {
    const reference = referenceOfStream(value);
    if (reference) return [reference.runId, reference.name];
    if (value.locked) return writer.refuse("is a ReadableStream that is locked to a reader already.");
    writer.unread();
    return [];
  },
  create: ([, runId, name]) => streamOpener().openReadable(toReference(runId, name)),
};

export const writableStream: Kind<WritableStream> = {
  write(value, writer) {
    const reference = referenceOfStream(value);
    if (reference) return [reference.runId, reference.name];
    return writer.refuse("is a WritableStream that did not come from getWritable().");
  },
  create: ([, runId, name]) => streamOpener().openWritable(toReference(runId, name)),
};

function toReference(runId: unknown, name: unknown): StreamReference {
  return { runId: String(runId), name: String(name) };
}
