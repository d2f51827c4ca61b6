/**
 * Bytes of requests, responses and blobs. Writing a value is synchronous and reading a body is not, so the bytes must be known before; the sandbox's own
 * classes always know theirs.
 */
interface Readable {
  readonly bodyUsed?: boolean;
  readonly body?: unknown;
  arrayBuffer(): Promise<ArrayBuffer>;
}

const bytesKey = Symbol.for("perdure.bytes");
const known = new WeakMap<object, Uint8Array | null>();

/** The bytes of a body; null if there is none, undefined if it would have to be read. */
export function knownBytes(value: object): Uint8Array | null | undefined {
  const read = (value as { readonly [bytesKey]?: () => Uint8Array | null | undefined })[bytesKey];
  if (read) return read.call(value);
  if (known.has(value)) return known.get(value);
  return (value as Readable).body === null ? null : undefined;
}

/** Notes the bytes of a value that was made of them. Returns the value. */
export function remember<T extends object>(value: T, bytes: Uint8Array | null): T {
  if (!(bytesKey in value)) known.set(value, bytes);
  return value;
}

/** True for a body of which nothing is left to read. */
export function isSpent(value: object): boolean {
  return (value as Readable).bodyUsed === true;
}

/** Reads a body, which uses it up. */
export async function readBody(value: object): Promise<void> {
  remember(value, new Uint8Array(await (value as Readable).arrayBuffer()));
}
