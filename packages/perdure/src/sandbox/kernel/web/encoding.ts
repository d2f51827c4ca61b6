import { TextDecoder, TextEncoder } from "@exodus/bytes/encoding-lite.js";
import { TransformStream } from "web-streams-polyfill";

/** `TextEncoderStream` of the Encoding standard: strings to UTF-8, with surrogates joined that chunks separate. */
export class TextEncoderStream {
  readonly encoding = "utf-8";
  readonly readable: ReadableStream;
  readonly writable: WritableStream;

  constructor() {
    const encoder = new TextEncoder();
    let pending = "";
    const { readable, writable } = new TransformStream<unknown, Uint8Array>({
      transform(chunk, controller) {
        const text = pending + String(chunk);
        pending = /[\ud800-\udbff]$/.exec(text)?.[0] ?? "";
        const bytes = encoder.encode(text.slice(0, text.length - pending.length));
        if (bytes.length > 0) controller.enqueue(bytes);
      },
      flush(controller) {
        if (pending !== "") controller.enqueue(encoder.encode(pending));
      },
    });
    this.readable = readable as ReadableStream;
    this.writable = writable as WritableStream;
  }
}
Object.defineProperty(TextEncoderStream.prototype, Symbol.toStringTag, { value: "TextEncoderStream", configurable: true });

/** `TextDecoderStream` of the Encoding standard. */
export class TextDecoderStream {
  readonly encoding: string;
  readonly fatal: boolean;
  readonly ignoreBOM: boolean;
  readonly readable: ReadableStream;
  readonly writable: WritableStream;

  constructor(label = "utf-8", options: { readonly fatal?: boolean; readonly ignoreBOM?: boolean } = {}) {
    const decoder = new TextDecoder(label, options);
    const { readable, writable } = new TransformStream<Uint8Array, string>({
      transform(chunk, controller) {
        const text = decoder.decode(chunk, { stream: true });
        if (text !== "") controller.enqueue(text);
      },
      flush(controller) {
        const text = decoder.decode();
        if (text !== "") controller.enqueue(text);
      },
    });
    this.encoding = decoder.encoding;
    this.fatal = decoder.fatal;
    this.ignoreBOM = decoder.ignoreBOM;
    this.readable = readable as ReadableStream;
    this.writable = writable as WritableStream;
  }
}
Object.defineProperty(TextDecoderStream.prototype, Symbol.toStringTag, { value: "TextDecoderStream", configurable: true });

export { TextDecoder, TextEncoder };
