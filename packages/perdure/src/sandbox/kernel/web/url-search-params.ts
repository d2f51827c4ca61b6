import { TextDecoder, TextEncoder } from "@exodus/bytes/encoding-lite.js";

import { usvString } from "./usv-string.ts";

type Pair = [name: string, value: string];

/** Set by the class, whose private state it needs. */
let link!: (params: URLSearchParams, query: string, changed: (query: string) => void) => URLSearchParams;

/** `URLSearchParams` of the URL standard. */
export class URLSearchParams {
  #pairs: Pair[] = [];
  /** Tells the URL that it belongs to. */
  #changed: ((query: string) => void) | null = null;

  constructor(init: unknown = "") {
    this.#pairs = pairsOf(init);
  }

  static {
    link = (params, query, changed) => {
      params.#pairs = parseForm(query.replace(/^\?/, ""));
      params.#changed = changed;
      return params;
    };
  }

  #update(): void {
    this.#changed?.(this.toString());
  }

  get size(): number {
    return this.#pairs.length;
  }

  append(name: unknown, value: unknown): void {
    this.#pairs.push([usvString(name), usvString(value)]);
    this.#update();
  }

  delete(name: unknown, value?: unknown): void {
    const [wanted, only] = [usvString(name), value === undefined ? null : usvString(value)];
    this.#pairs = this.#pairs.filter((pair) => pair[0] !== wanted || (only !== null && pair[1] !== only));
    this.#update();
  }

  get(name: unknown): string | null {
    const wanted = usvString(name);
    return this.#pairs.find((pair) => pair[0] === wanted)?.[1] ?? null;
  }

  getAll(name: unknown): string[] {
    const wanted = usvString(name);
    return this.#pairs.filter((pair) => pair[0] === wanted).map((pair) => pair[1]);
  }

  has(name: unknown, value?: unknown): boolean {
    const [wanted, only] = [usvString(name), value === undefined ? null : usvString(value)];
    return this.#pairs.some((pair) => pair[0] === wanted && (only === null || pair[1] === only));
  }

  set(name: unknown, value: unknown): void {
    const wanted = usvString(name);
    const first = this.#pairs.findIndex((pair) => pair[0] === wanted);
    if (first < 0) {
      this.append(wanted, value);
      return;
    }
    this.#pairs = this.#pairs.filter((pair, index) => index <= first || pair[0] !== wanted);
    this.#pairs[first] = [wanted, usvString(value)];
    this.#update();
  }

  sort(): void {
    this.#pairs.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
    this.#update();
  }

  forEach(callback: (value: string, name: string, params: URLSearchParams) => void, thisArg?: unknown): void {
    for (const [name, value] of this) callback.call(thisArg, value, name, this);
  }

  /** Sees changes that are made on the way, as the standard wants. */
  *entries(): Generator<Pair> {
    for (let index = 0; index < this.#pairs.length; index++) {
      const pair = this.#pairs[index];
      if (pair) yield [...pair];
    }
  }

  *keys(): Generator<string> {
    for (const [name] of this.entries()) yield name;
  }

  *values(): Generator<string> {
    for (const [, value] of this.entries()) yield value;
  }

  [Symbol.iterator](): Generator<Pair> {
    return this.entries();
  }

  toString(): string {
    return this.#pairs.map(([name, value]) => `${escapeForm(name)}=${escapeForm(value)}`).join("&");
  }
}
Object.defineProperty(URLSearchParams.prototype, Symbol.toStringTag, { value: "URLSearchParams", configurable: true });

/** Makes params those of a URL: gives them its query, and tells it of changes. */
export function linkParams(params: URLSearchParams, query: string, changed: (query: string) => void): URLSearchParams {
  return link(params, query, changed);
}

function pairsOf(init: unknown): Pair[] {
  if (typeof init !== "object" || init === null) return parseForm(usvString(init).replace(/^\?/, ""));
  if (Symbol.iterator in init) {
    return Array.from(init as Iterable<Iterable<unknown>>, (entry) => {
      const pair = Array.from(entry, usvString);
      if (pair.length !== 2) throw new TypeError("Each query pair must be an iterable [name, value] tuple");
      return pair as Pair;
    });
  }
  return Object.entries(init).map(([name, value]) => [usvString(name), usvString(value)]);
}

/** The parser of `application/x-www-form-urlencoded`. */
export function parseForm(text: string): Pair[] {
  const parts = text.split("&").filter((part) => part !== "");
  return parts.map((part) => {
    const end = part.includes("=") ? part.indexOf("=") : part.length;
    return [unescapeForm(part.slice(0, end)), unescapeForm(part.slice(end + 1))];
  });
}

function unescapeForm(text: string): string {
  const spaced = text.replaceAll("+", " ");
  if (!spaced.includes("%")) return spaced;
  const bytes = new TextEncoder().encode(spaced);
  const decoded = new Uint8Array(bytes.length);
  let length = 0;
  for (let index = 0; index < bytes.length; index++) {
    const hex = bytes[index] === 0x25 ? String.fromCharCode(bytes[index + 1] ?? 0, bytes[index + 2] ?? 0) : "";
    const isEscape = /^[\da-f]{2}$/i.test(hex);
    decoded[length++] = isEscape ? Number.parseInt(hex, 16) : (bytes[index] ?? 0);
    if (isEscape) index += 2;
  }
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(decoded.subarray(0, length));
}

function escapeForm(text: string): string {
  const hex = (character: string): string => `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
  return encodeURIComponent(text)
    .replace(/[!'()~]/g, hex)
    .replaceAll("%20", "+");
}
