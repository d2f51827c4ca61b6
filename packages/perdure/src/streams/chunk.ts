/**
 * Chunks of a run's streams, as a World stores them. The first byte says what a chunk is:
 *
 *     00   bytes: the rest of the chunk, as they were written. A stream of bytes costs one byte per chunk.
 *     01   the error with which its writer ended the stream: text of the codec in UTF-8. Readers throw it.
 *     else a value: text of the codec in UTF-8, whose first character is its format, a letter.
 */
import { decode, encode, encodeThrown } from "../codec/index.ts";
import { defaultMaxBytes } from "../codec/size.ts";
import { ValueTooLargeError } from "../errors/step-errors.ts";
import { toBytes, toText } from "../run-input.ts";

const bytesTag = 0;
const errorTag = 1;

/**
 * A chunk of its own bytes: what the value becomes afterwards is not seen.
 * @throws SERIALIZATION_FAILED, VALUE_TOO_LARGE; `chunk` is the path
 */
export function encodeChunk(value: unknown): Uint8Array {
  if (!isRaw(value)) return toBytes(encode(value, "chunk"));
  if (value.byteLength > defaultMaxBytes) throw new ValueTooLargeError("chunk", value.byteLength, defaultMaxBytes);
  return tagged(bytesTag, value);
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

/** Bytes of any realm; a `Buffer` comes back as a Uint8Array. Other views are values. */
function isRaw(value: unknown): value is Uint8Array {
  return ArrayBuffer.isView(value) && Object.prototype.toString.call(value) === "[object Uint8Array]";
}

function tagged(tag: number, bytes: Uint8Array): Uint8Array {
  const chunk = new Uint8Array(bytes.byteLength + 1);
  chunk[0] = tag;
  chunk.set(bytes, 1);
  return chunk;
}
