import { TextDecoder, TextEncoder } from "@exodus/bytes/encoding-lite.js";
import { ReadableStream } from "web-streams-polyfill";

import { Blob, concatBytes, streamOf, viewOf } from "./blob.ts";
import { FormData } from "./form-data.ts";
import type { Headers } from "./headers.ts";
import { readMultipart, writeMultipart } from "./multipart.ts";
import { parseForm, URLSearchParams } from "./url-search-params.ts";
import { usvString } from "./usv-string.ts";

/** What a body may be made of, resolved: bytes or a stream, and the Content-Type that goes with it. */
interface Source {
  readonly bytes: Uint8Array<ArrayBuffer> | null;
  readonly stream: ReadableStream<Uint8Array> | null;
  readonly type: string | null;
}

const none: Source = { bytes: null, stream: null, type: null };

/** What requests and responses share: a body that can be read once. Its bytes are there from the beginning unless it was made of a stream. */
export abstract class Body {
  #bytes: Uint8Array<ArrayBuffer> | null = null;
  #stream: ReadableStream<Uint8Array> | null = null;
  #isUsed = false;
  abstract readonly headers: Headers;

  /** @param init as `new Response()` takes it; sets Content-Type unless there is one */
  protected fill(init: unknown, headers: Headers): void {
    const source = init === null || init === undefined ? none : sourceOf(init);
    this.#bytes = source.bytes;
    this.#stream = source.stream;
    if (source.type !== null && !headers.has("content-type")) headers.append("content-type", source.type);
  }

  /** The same body for a copy; both can be read. */
  protected fork(): unknown {
    if (this.bodyUsed || this.#stream?.locked) throw new TypeError("The body was read already.");
    if (!this.#stream) return this.#bytes;
    const [mine, theirs] = this.#stream.tee();
    this.#stream = mine;
    this.#bytes = null;
    return theirs;
  }

  /** Gives the body away, as `new Request(request)` does. */
  protected hand(): unknown {
    if (this.bodyUsed || this.#stream?.locked) throw new TypeError("The body was read already.");
    this.#isUsed = this.#bytes !== null || this.#stream !== null;
    return this.#stream ?? this.#bytes;
  }

  get body(): ReadableStream<Uint8Array> | null {
    if (!this.#stream && this.#bytes) this.#stream = streamOf(this.#bytes);
    return this.#stream;
  }

  get bodyUsed(): boolean {
    return this.#isUsed || (this.#stream !== null && isDisturbed(this.#stream));
  }

  async bytes(): Promise<Uint8Array<ArrayBuffer>> {
    if (this.bodyUsed) throw new TypeError("Body is unusable: Body has already been read");
    if (this.#stream?.locked) throw new TypeError("Body is unusable: its stream is locked");
    this.#isUsed = this.#bytes !== null || this.#stream !== null;
    return this.#stream ? readAll(this.#stream) : (this.#bytes?.slice() ?? new Uint8Array());
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    return (await this.bytes()).buffer;
  }

  async text(): Promise<string> {
    return new TextDecoder().decode(await this.bytes());
  }

  async json(): Promise<unknown> {
    return JSON.parse(await this.text()) as unknown;
  }

  async blob(): Promise<Blob> {
    return new Blob([await this.bytes()], { type: this.headers.get("content-type") ?? "" });
  }

  async formData(): Promise<FormData> {
    const type = this.headers.get("content-type") ?? "";
    const boundary = /;\s*boundary="?([^";]+)"?/i.exec(type)?.[1];
    if (/^multipart\/form-data\b/i.test(type) && boundary) return readMultipart(await this.bytes(), boundary);
    if (!/^application\/x-www-form-urlencoded\b/i.test(type)) throw new TypeError("The body is no form.");
    const form = new FormData();
    for (const [name, value] of parseForm(await this.text())) form.append(name, value);
    return form;
  }

  /** For the codec: the bytes at once; null for no body; undefined if it was read, or would have to be. */
  [Symbol.for("perdure.bytes")](): Uint8Array | null | undefined {
    if (this.bodyUsed || this.#stream) return undefined;
    return this.#bytes;
  }
}

function isDisturbed(stream: ReadableStream): boolean {
  return Boolean((stream as unknown as { readonly _disturbed?: boolean })._disturbed);
}

async function readAll(stream: ReadableStream<Uint8Array>): Promise<Uint8Array<ArrayBuffer>> {
  const pieces: Uint8Array[] = [];
  for await (const piece of stream) {
    if (!(piece instanceof Uint8Array)) throw new TypeError("A body's stream must give Uint8Arrays.");
    pieces.push(piece);
  }
  return concatBytes(pieces);
}

function sourceOf(init: unknown): Source {
  if (init instanceof ReadableStream) {
    if (init.locked || isDisturbed(init)) throw new TypeError("The stream is locked, or was read already.");
    return { bytes: null, stream: init as ReadableStream<Uint8Array>, type: null };
  }
  if (init instanceof ArrayBuffer || ArrayBuffer.isView(init)) return { ...none, bytes: viewOf(init).slice() };
  if (init instanceof FormData) return { ...none, ...writeMultipart(init) };
  if (init instanceof Blob) return { ...none, bytes: bytesOf(init), type: init.type || null };
  const type = init instanceof URLSearchParams ? "application/x-www-form-urlencoded;charset=UTF-8" : "text/plain;charset=UTF-8";
  return { ...none, bytes: new TextEncoder().encode(usvString(init)), type };
}

function bytesOf(blob: Blob): Uint8Array<ArrayBuffer> {
  return concatBytes([(blob as unknown as Record<symbol, () => Uint8Array>)[Symbol.for("perdure.bytes")]?.() ?? new Uint8Array()]);
}
