/**
 * Arrays as text that PostgreSQL reads: one parameter for the values of a whole batch. Written here and not by the driver, because it
 * is where a batch spends its time: without a recursion and a regular expression per value it takes half of it.
 */

/** Numbers, UUIDs, booleans: values without a character that needs quoting. Null is NULL. */
export function plainArray(values: readonly (number | bigint | string | boolean | null)[]): string {
  return `{${values.map((value) => value ?? "NULL").join(",")}}`;
}

/** Bytes. Null is NULL. */
export function bytesArray(values: readonly (Uint8Array | null)[]): string {
  return `{${values.map((value) => (value === null ? "NULL" : `"\\\\x${hex(value)}"`)).join(",")}}`;
}

/** Any text. Null is NULL. */
export function textArray(values: readonly (string | null)[]): string {
  return `{${values.map((value) => (value === null ? "NULL" : quoted(value))).join(",")}}`;
}

function quoted(value: string): string {
  return `"${/["\\]/.test(value) ? value.replace(/["\\]/g, "\\$&") : value}"`;
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex");
}
