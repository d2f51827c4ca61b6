import { ValueTooLargeError } from "../errors/step-errors.ts";
import { describe } from "./describe.ts";

/** How large a value may be as text in UTF-8, unless said otherwise. */
export const defaultMaxBytes = 8 * 1024 * 1024;

interface SizeLimit {
  readonly maxBytes?: number | undefined;
  /** Read for the message alone. */
  readonly of?: string | undefined;
}

/** @throws VALUE_TOO_LARGE with the path of what takes most of it */
export function checkSize(text: string, value: unknown, root: string, limit: SizeLimit): void {
  const { maxBytes = defaultMaxBytes } = limit;
  if (text.length * 3 <= maxBytes) return;
  const size = utf8Length(text);
  if (size > maxBytes) throw new ValueTooLargeError(biggestPart(value, root, text.length / 2), size, maxBytes, limit.of);
}

function utf8Length(text: string): number {
  let length = text.length;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    // Half of a pair of surrogates is two of its four bytes.
    if (code > 0x7f) length += code > 0x7ff && (code < 0xd800 || code > 0xdfff) ? 2 : 1;
  }
  return length;
}

/** Follows the largest member as long as one alone makes up more than half of the whole. */
function biggestPart(value: unknown, path: string, half: number): string {
  if (typeof value !== "object" || value === null || path.length > 500) return path;
  for (const [key, part] of partsOf(value)) {
    if (roughSize(part) > half) return biggestPart(part, path === "" ? key.replace(/^\./, "") : path + key, half);
  }
  return path;
}

function partsOf(value: object): (readonly [string, unknown])[] {
  if (Array.isArray(value)) return value.map((part, index) => [`[${index}]`, part] as const);
  if (value instanceof Map) return Array.from(value, ([key, part]) => [`.get(${typeof key === "string" ? JSON.stringify(key) : describe(key)})`, part] as const); // prettier-ignore
  if (value instanceof Set) return Array.from(value, (part, index) => [`[${index}]`, part] as const);
  if (ArrayBuffer.isView(value)) return [];
  return Object.entries(value).map(([key, part]) => [/^[\w$]+$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`, part] as const);
}

/** About how long the text of a value is; every object counts once. */
function roughSize(root: unknown): number {
  const seen = new Set<object>();
  const rest: unknown[] = [root];
  let size = 0;
  for (let value = rest.pop(); value !== undefined || rest.length > 0; value = rest.pop()) {
    if (typeof value === "string") size += value.length;
    if (typeof value !== "object" || value === null) size += 4;
    else if (!seen.has(value)) {
      seen.add(value);
      if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) size += value.byteLength * 1.33;
      else for (const [key, part] of partsOf(value)) size += key.length + 2 * Number(rest.push(part) > 0);
    }
  }
  return size;
}
