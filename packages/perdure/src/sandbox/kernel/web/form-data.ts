import { Blob, File } from "./blob.ts";
import { usvString } from "./usv-string.ts";

type Entry = [name: string, value: string | File];

/** `FormData` of the XMLHttpRequest standard. */
export class FormData {
  #entries: Entry[] = [];

  constructor(form?: undefined) {
    if (form !== undefined) throw new TypeError("There are no forms here.");
  }

  append(name: unknown, value: unknown, filename?: unknown): void {
    this.#entries.push(entry(name, value, filename));
  }

  delete(name: unknown): void {
    const wanted = usvString(name);
    this.#entries = this.#entries.filter((known) => known[0] !== wanted);
  }

  get(name: unknown): string | File | null {
    return this.getAll(name)[0] ?? null;
  }

  getAll(name: unknown): (string | File)[] {
    const wanted = usvString(name);
    return this.#entries.filter((known) => known[0] === wanted).map((known) => known[1]);
  }

  has(name: unknown): boolean {
    return this.getAll(name).length > 0;
  }

  set(name: unknown, value: unknown, filename?: unknown): void {
    const next = entry(name, value, filename);
    const first = this.#entries.findIndex((known) => known[0] === next[0]);
    this.#entries = this.#entries.filter((known, index) => index <= first || known[0] !== next[0]);
    this.#entries[first < 0 ? this.#entries.length : first] = next;
  }

  forEach(callback: (value: string | File, name: string, form: FormData) => void, thisArg?: unknown): void {
    for (const [name, value] of this) callback.call(thisArg, value, name, this);
  }

  *entries(): Generator<Entry> {
    for (let index = 0; index < this.#entries.length; index++) {
      const known = this.#entries[index];
      if (known) yield [...known];
    }
  }

  *keys(): Generator<string> {
    for (const [name] of this.entries()) yield name;
  }

  *values(): Generator<string | File> {
    for (const [, value] of this.entries()) yield value;
  }

  [Symbol.iterator](): Generator<Entry> {
    return this.entries();
  }
}
Object.defineProperty(FormData.prototype, Symbol.toStringTag, { value: "FormData", configurable: true });

function entry(name: unknown, value: unknown, filename: unknown): Entry {
  if (!(value instanceof Blob)) {
    if (filename !== undefined) throw new TypeError("Only a Blob can have a file name.");
    return [usvString(name), usvString(value)];
  }
  if (value instanceof File && filename === undefined) return [usvString(name), value];
  const lastModified = value instanceof File ? { lastModified: value.lastModified } : {};
  return [usvString(name), new File([value], filename === undefined ? "blob" : usvString(filename), { type: value.type, ...lastModified })];
}
