/** Bytes as base64. */
export interface Base64 {
  toText(bytes: Uint8Array): string;
  toBytes(text: string): Uint8Array<ArrayBuffer>;
}

/** Node's. */
let current: Base64 = {
  toText: (bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64"),
  toBytes: (text) => new Uint8Array(Buffer.from(text, "base64")),
};

/** For a place without Node's `Buffer`. */
export function useBase64(other: Base64): void {
  current = other;
}

export const toBase64 = (bytes: Uint8Array): string => current.toText(bytes);
export const fromBase64 = (text: string): Uint8Array<ArrayBuffer> => current.toBytes(text);
