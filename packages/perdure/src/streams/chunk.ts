/**
 * Chunks of a run's streams, as a World stores them. The first byte says what a chunk is:
 *
 *     00   bytes: the rest of the chunk, as they were written. A stream of bytes costs one byte per chunk.
 *     01   the error with which its writer ended the stream: text of the codec in UTF-8. Readers throw it.
 *     else a value: text of the codec in UTF-8, whose first character is its format, a letter.
 */
import { decode, encode, encodeThrown, type EncodeOptions } from "../codec/index.ts";
import { toBytes, toText } from "../run-input.ts";
import { isRawChunk } from "./raw-chunk.ts";

const bytesTag = 0;
const errorTag = 1;

/**
 * A chunk of its own bytes: what the value becomes afterwards is not seen.
 * @throws SERIALIZATION_FAILED, VALUE_TOO_LARGE; `chunk` is the path
 */
export function encodeChunk(value: unknown, limit: EncodeOptions = {}): Uint8Array {
  return isRawChunk(value, limit) ? tagged(bytesTag, value) : toBytes(encode(value, "chunk", limit));
}

/** What workflow code wrote, as text: a value as the codec writes it, or `b` and bytes as base64. */
export function chunkOfText(text: string): Uint8Array {
  return text.startsWith("b") ? tagged(bytesTag, Buffer.from(text.slice(1), "base64")) : toBytes(text);
}

/** The last chunk of a stream that breaks off. */
export function encodeError(error: unknown): Uint8Array {
  return tagged(errorTag, toBytes(encodeThrown(error)));
}

/** What was written. @throws the error with which the stream breaks off */
export function decodeChunk(chunk: Uint8Array): unknown {
  switch (chunk[0]) {
    case bytesTag:
      return new Uint8Array(chunk.subarray(1));
    case errorTag:
      throw decode(toText(chunk.subarray(1)));
    default:
      return decode(toText(chunk));
  }
}

function tagged(tag: number, bytes: Uint8Array): Uint8Array {
  const chunk = new Uint8Array(bytes.byteLength + 1);
  chunk[0] = tag;
  chunk.set(bytes, 1);
  return chunk;
}
