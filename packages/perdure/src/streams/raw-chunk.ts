import type { EncodeOptions } from "../codec/index.ts";
import { defaultMaxBytes } from "../codec/size.ts";
import { ValueTooLargeError } from "../errors/step-errors.ts";

/**
 * Whether a chunk is stored as bytes: a Uint8Array of any realm (a `Buffer` comes back as one). Other views are values.
 * @throws VALUE_TOO_LARGE
 */
export function isRawChunk(value: unknown, { maxBytes = defaultMaxBytes, of }: EncodeOptions): value is Uint8Array {
  if (!ArrayBuffer.isView(value) || Object.prototype.toString.call(value) !== "[object Uint8Array]") return false;
  if (value.byteLength > maxBytes) throw new ValueTooLargeError("chunk", value.byteLength, maxBytes, of);
  return true;
}
