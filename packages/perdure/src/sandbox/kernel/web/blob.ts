import { TextDecoder, TextEncoder } from "@exodus/bytes/encoding-lite.js";
import { ReadableStream } from "web-streams-polyfill";

import { usvString } from "./usv-string.ts";

let bytesOfBlob!: (blob: Blob) => Uint8Array;

/** The bytes of a view or a buffer; not copied. */
export function viewOf(data: ArrayBuffer | ArrayBufferView): Uint8Array {
  return data instanceof ArrayBuffer ? new Uint8Array(data) : new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/** Joins copies of the pieces. */
export function concatBytes(pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(pieces.reduce((length, piece) => length + piece.length, 0));
  let offset = 0;
  for (const piece of pieces) {
    joined.set(piece, offset);
    offset += piece.length;
  }
  return joined;
}

/** `Blob` of the File API: bytes with a type. */
export class Blob {
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #type: string;

  static {
    bytesOfBlob = (blob) => blob.#bytes;
  }

  constructor(parts: Iterable<unknown> = [], options: { readonly type?: string; readonly endings?: string } = {}) {
    if (typeof parts !== "object" || parts === null) throw new TypeError("A Blob takes a list of parts.");
    this.#bytes = concatBytes(Array.from(parts, bytesOfPart));
    const type = String(options?.type ?? "");
    this.#type = /[^ -~]/.test(type) ? "" : type.toLowerCase();
  }

  get size(): number {
    return this.#bytes.length;
  }

  get type(): string {
    return this.#type;
  }

  slice(start?: number, end?: number, type = ""): Blob {
    return new Blob([this.#bytes.slice(start, end)], { type });
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    return this.#bytes.slice().buffer;
  }

  async bytes(): Promise<Uint8Array> {
    return this.#bytes.slice();
  }

  async text(): Promise<string> {
    return new TextDecoder().decode(this.#bytes);
  }

  stream(): ReadableStream<Uint8Array> {
    return streamOf(this.#bytes.slice());
  }

  /** The bytes at once, for the codec. */
  [Symbol.for("perdure.bytes")](): Uint8Array {
    return this.#bytes;
  }
}
Object.defineProperty(Blob.prototype, Symbol.toStringTag, { value: "Blob", configurable: true });

/** `File` of the File API. */
export class File extends Blob {
  readonly #name: string;
  readonly #lastModified: number;

  constructor(parts: Iterable<unknown>, name: string, options: { readonly type?: string; readonly lastModified?: number } = {}) {
    if (arguments.length < 2) throw new TypeError("A File takes parts and a name.");
    super(parts, options);
    this.#name = usvString(name);
    this.#lastModified = options?.lastModified === undefined ? Date.now() : Math.trunc(Number(options.lastModified)) || 0;
  }

  get name(): string {
    return this.#name;
  }

  get lastModified(): number {
    return this.#lastModified;
  }

  get webkitRelativePath(): string {
    return "";
  }
}
Object.defineProperty(File.prototype, Symbol.toStringTag, { value: "File", configurable: true });

function bytesOfPart(part: unknown): Uint8Array {
  if (part instanceof Blob) return bytesOfBlob(part);
  if (part instanceof ArrayBuffer || ArrayBuffer.isView(part)) return viewOf(part);
  return new TextEncoder().encode(usvString(part));
}

/** A stream of bytes that are there already. */
export function streamOf(bytes: Uint8Array): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>({
    type: "bytes",
    start(controller) {
      if (bytes.length > 0) controller.enqueue(bytes.slice());
      controller.close();
    },
  });
}
