/**
 * What every World can store.
 *
 * Text that identifies something is 1 to 512 UTF-16 units long, well formed and free of NUL: PostgreSQL stores neither NUL nor
 * lone surrogates, and some SQLite drivers cut text at a NUL.
 */

import { WorldError } from "./errors.ts";

const MAX_NAME = 512;
const RUN_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
/** NUL, and (in unicode mode) surrogates that belong to no pair. */
const UNSTORABLE = /[\0\uD800-\uDFFF]/gu;

/** What {@link isName} asks for, in words. */
export const NAME_RULE = `1 to ${MAX_NAME} well-formed characters without NUL`;

/** Whether the text can name something in every World: 1 to 512 characters, well formed, no NUL. */
export function isName(value: unknown): value is string {
  return typeof value === "string" && value.length > 0 && value.length <= MAX_NAME && isStorableText(value);
}

/** Whether every World keeps the text as it is. */
export function isStorableText(text: string): boolean {
  return text.search(UNSTORABLE) < 0;
}

/** Makes any text storable in every World: NUL and lone surrogates become U+FFFD. */
export function storableText(text: string): string {
  return isStorableText(text) ? text : text.replace(UNSTORABLE, "\uFFFD");
}

/** Whether this is the id of a run: a UUID in lower case. */
export function isRunId(value: unknown): value is string {
  return typeof value === "string" && RUN_ID.test(value);
}

/** Whether these are bytes, also of another realm. */
export function isBytes(value: unknown): value is Uint8Array {
  return value instanceof Uint8Array || Object.prototype.toString.call(value) === "[object Uint8Array]";
}

/** Whether this is a time, or null. */
export function isTime(value: unknown): value is number | null {
  return value === null || Number.isSafeInteger(value);
}

/** The error that says which value cannot be stored, and what it must be. */
export function invalid(what: string, value: unknown, rule: string): WorldError {
  const shown = typeof value === "string" ? JSON.stringify(value.slice(0, 80)) : typeof value === "object" ? typeof value : String(value);
  return new WorldError("WORLD_INVALID_ARGUMENT", `${what} cannot be ${shown}.`, { hint: `It must be ${rule}.` });
}
