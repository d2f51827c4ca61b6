/** What `new Headers()` takes. */
export type HeadersInit = Headers | Iterable<Iterable<string>> | Readonly<Record<string, string>> | null | undefined;

/** `Headers` of the Fetch standard. None is forbidden: nobody sends them from here. */
export class Headers {
  readonly #list = new Map<string, string[]>();

  constructor(init?: HeadersInit) {
    if (init === undefined || init === null) return;
    if (typeof init !== "object") throw new TypeError("Headers take pairs or an object.");
    const entries = Symbol.iterator in init ? (init as Iterable<Iterable<string>>) : Object.entries(init);
    for (const entry of entries) {
      const pair = [...entry];
      if (pair.length !== 2) throw new TypeError("Each header must be a [name, value] pair.");
      this.append(pair[0], pair[1]);
    }
  }

  append(name: unknown, value: unknown): void {
    const key = checkName(name);
    const text = checkValue(value);
    const known = this.#list.get(key);
    if (known) known.push(text);
    else this.#list.set(key, [text]);
  }

  delete(name: unknown): void {
    this.#list.delete(checkName(name));
  }

  get(name: unknown): string | null {
    return this.#list.get(checkName(name))?.join(", ") ?? null;
  }

  getSetCookie(): string[] {
    return [...(this.#list.get("set-cookie") ?? [])];
  }

  has(name: unknown): boolean {
    return this.#list.has(checkName(name));
  }

  set(name: unknown, value: unknown): void {
    const key = checkName(name);
    this.#list.set(key, [checkValue(value)]);
  }

  forEach(callback: (value: string, name: string, headers: Headers) => void, thisArg?: unknown): void {
    for (const [name, value] of this) callback.call(thisArg, value, name, this);
  }

  /** By name; only Set-Cookie comes more than once. */
  *entries(): Generator<[name: string, value: string]> {
    for (const name of [...this.#list.keys()].sort()) {
      const values = this.#list.get(name) ?? [];
      if (name !== "set-cookie") yield [name, values.join(", ")];
      else for (const value of values) yield [name, value];
    }
  }

  *keys(): Generator<string> {
    for (const [name] of this.entries()) yield name;
  }

  *values(): Generator<string> {
    for (const [, value] of this.entries()) yield value;
  }

  [Symbol.iterator](): Generator<[name: string, value: string]> {
    return this.entries();
  }
}
Object.defineProperty(Headers.prototype, Symbol.toStringTag, { value: "Headers", configurable: true });

function checkName(name: unknown): string {
  const text = String(name);
  if (!/^[!#$%&'*+\-.^_`|~\dA-Za-z]+$/.test(text)) throw new TypeError(`Header name must be a valid HTTP token ["${text}"]`);
  return text.toLowerCase();
}

function checkValue(value: unknown): string {
  const text = String(value).replace(/^[\t\n\r ]+|[\t\n\r ]+$/g, "");
  // oxlint-disable-next-line no-control-regex -- these are what a value may not hold
  if (/[\0\r\n]|[^\0-\xff]/.test(text)) throw new TypeError(`Headers cannot hold the value "${text}".`);
  return text;
}
