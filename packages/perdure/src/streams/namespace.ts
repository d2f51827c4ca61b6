import { PerdureError } from "../errors/perdure-error.ts";

/** The namespace of streams for which no other is named. */
export const defaultNamespace = "default";

/** Streams whose names begin so are the runtime's. */
const reserved = "perdure:";

/** The name of the stream into which a value's ReadableStream is copied. It is never used again: an attempt that is made again has another one. */
export function valueStreamName(of: string, unique: string): string {
  return `${reserved}${of.slice(0, 400)}/${unique}`;
}

/** @throws INVALID_ARGUMENT for what no stream can be called, or the runtime calls its own */
export function checkNamespace(namespace: unknown, caller: string): string {
  if (!isName(namespace)) {
    const shown = typeof namespace === "string" ? JSON.stringify(namespace.slice(0, 80)) : typeof namespace;
    throw new PerdureError(
      "INVALID_ARGUMENT",
      `${caller} was given the namespace ${shown}; it must be a string of 1 to 512 well-formed characters without NUL.`,
    );
  }
  if (!namespace.startsWith(reserved)) return namespace;
  throw new PerdureError(
    "INVALID_ARGUMENT",
    `${caller} was given the namespace "${namespace}"; names that begin with "${reserved}" are the runtime's.`,
  );
}

function isName(value: unknown): value is string {
  return typeof value === "string" && value.length > 0 && value.length <= 512 && value.search(/[\0\uD800-\uDFFF]/u) < 0;
}
