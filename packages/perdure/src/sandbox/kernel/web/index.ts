/**
 * The web's classes for the realm, bundled to a text of their own: a function that is evaluated when workflow code first reads one of the names in `web-names.ts`.
 * They are the same for all runs and keep nothing of any: what differs from run to run they read from the realm's globals (`Date`, `Math.random`, `performance`).
 */
import { Buffer } from "buffer/index.js";
import {
  ByteLengthQueuingStrategy,
  CountQueuingStrategy,
  ReadableByteStreamController,
  ReadableStream,
  ReadableStreamBYOBReader,
  ReadableStreamBYOBRequest,
  ReadableStreamDefaultController,
  ReadableStreamDefaultReader,
  TransformStream,
  TransformStreamDefaultController,
  WritableStream,
  WritableStreamDefaultController,
  WritableStreamDefaultWriter,
} from "web-streams-polyfill";

import { AbortController, AbortSignal, scheduleTimeoutsBy, type Schedule } from "./abort.ts";
import { Blob, File } from "./blob.ts";
import { TextDecoder, TextDecoderStream, TextEncoder, TextEncoderStream } from "./encoding.ts";
import { CustomEvent, Event, EventTarget } from "./events.ts";
import { FormData } from "./form-data.ts";
import { Headers } from "./headers.ts";
import { Request } from "./request.ts";
import { Response } from "./response.ts";
import { structuredClone } from "./structured-clone.ts";
import { createUrl } from "./url.ts";
import type { UrlSource } from "./url-source.ts";
import { URLSearchParams } from "./url-search-params.ts";
import type { WebName } from "./web-names.ts";

/** What the classes ask of their surroundings. */
export interface WebServices {
  readonly url: UrlSource;
  readonly schedule: Schedule;
}

export function createWeb({ url, schedule }: WebServices): Record<WebName, unknown> {
  scheduleTimeoutsBy(schedule);
  const classes = {
    AbortController,
    AbortSignal,
    Blob,
    Buffer,
    ByteLengthQueuingStrategy,
    CountQueuingStrategy,
    CustomEvent,
    Event,
    EventTarget,
    File,
    FormData,
    Headers,
    ReadableByteStreamController,
    ReadableStream,
    ReadableStreamBYOBReader,
    ReadableStreamBYOBRequest,
    ReadableStreamDefaultController,
    ReadableStreamDefaultReader,
    Request,
    Response,
    TextDecoder,
    TextDecoderStream,
    TextEncoder,
    TextEncoderStream,
    TransformStream,
    TransformStreamDefaultController,
    URL: createUrl(url),
    URLSearchParams,
    WritableStream,
    WritableStreamDefaultController,
    WritableStreamDefaultWriter,
    structuredClone,
  };
  // The bundler renames classes where a module also reads the global of that name.
  for (const [name, value] of Object.entries(classes)) Object.defineProperty(value, "name", { value: name, configurable: true });
  return classes;
}
