/** A run's input as stored: the seed of its chance and hook tokens (32 hex digits), a line feed, the encoded arguments. */
export interface RunInput {
  readonly seed: string;
  readonly args: string;
}

export function encodeRunInput(input: RunInput): Uint8Array {
  return toBytes(`${input.seed}\n${input.args}`);
}

export function decodeRunInput(bytes: Uint8Array): RunInput {
  const text = toText(bytes);
  return { seed: text.slice(0, 32), args: text.slice(33) };
}

/** Text to the bytes that a World stores. */
export function toBytes(text: string): Uint8Array {
  return Buffer.from(text, "utf8");
}

/** The text of bytes that a World returned. */
export function toText(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
}
