/** What a run shows of itself while it runs: published values, and the attributes by which it is found. */
import { PerdureError } from "./errors/perdure-error.ts";

/** Changes of attributes, key by key; null removes one. */
export type AttributeChanges = Readonly<Record<string, string | number | boolean | null>>;

const mostAttributes = 64;

/** What the runtime publishes for itself. */
const ownPrefix = "perdure/";

/** Where the reply to a message is published. */
export function replyKey(message: string): string {
  return `${ownPrefix}reply/${message}`;
}

/** @throws INVALID_ARGUMENT */
export function checkStateKey(key: unknown): void {
  if (typeof key === "string" && key.length > 0 && key.length <= 512 && !key.startsWith(ownPrefix)) return;
  throw new PerdureError(
    "INVALID_ARGUMENT",
    `The key of a published value is ${JSON.stringify(key)}; it must be a string of 1 to 512 characters that does not begin with "${ownPrefix}".`,
  );
}

/** @throws INVALID_ARGUMENT */
export function checkAttributes(attributes: unknown, where: string): void {
  if (typeof attributes !== "object" || attributes === null || Array.isArray(attributes)) {
    throw new PerdureError("INVALID_ARGUMENT", `The attributes of ${where} must be an object.`);
  }
  const entries = Object.entries(attributes as Record<string, unknown>);
  if (entries.length > mostAttributes)
    throw new PerdureError("INVALID_ARGUMENT", `${where} was given ${entries.length} attributes; a run has at most ${mostAttributes}.`);
  for (const [key, value] of entries) {
    if (key.length === 0 || key.length > 128) {
      throw new PerdureError(
        "INVALID_ARGUMENT",
        `The attribute ${JSON.stringify(key)} of ${where} must have a name of 1 to 128 characters.`,
      );
    }
    if (!isAttribute(value)) {
      throw new PerdureError(
        "INVALID_ARGUMENT",
        `The attribute "${key}" of ${where} must be a string of at most 1,024 characters, a finite number or a boolean, or null to remove it.`,
      );
    }
  }
}

function isAttribute(value: unknown): boolean {
  if (typeof value === "string") return value.length <= 1024;
  return value === null || typeof value === "boolean" || (typeof value === "number" && Number.isFinite(value));
}
