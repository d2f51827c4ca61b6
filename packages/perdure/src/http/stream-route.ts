import { getRun } from "../api/run.ts";
import { encode } from "../codec/index.ts";
import { PerdureError } from "../errors/perdure-error.ts";
import { clearTimeout, setTimeout } from "../host-timers.ts";
import { defaultNamespace } from "../streams/namespace.ts";
import type { RunReadable } from "../streams/readable.ts";
import { problem } from "./answers.ts";

/** Proxies end connections on which nothing moves, most of them after a minute. */
const keepAliveMs = 15_000;

/** The namespace that a request asks for. */
export function namespaceOf(url: URL): string {
  return url.searchParams.get("namespace") ?? defaultNamespace;
}

/** A stream of a run from a chunk on, live: as Server-Sent Events if the client accepts those, else as bytes. */
export async function readStream(request: Request, runId: string, url: URL): Promise<Response> {
  const startIndex = startOf(request, url);
  if (startIndex === null) return problem(400, "BAD_REQUEST", "`startIndex` and `Last-Event-ID` are whole numbers.");
  let readable: RunReadable<unknown>;
  try {
    readable = getRun(runId).getReadable({ namespace: namespaceOf(url), startIndex });
    await readable.getTailIndex();
  } catch (error) {
    if (PerdureError.is(error) && error.code === "RUN_NOT_FOUND") return problem(404, "RUN_NOT_FOUND", "There is no such run.");
    if (PerdureError.is(error) && error.code === "INVALID_ARGUMENT") return problem(400, "BAD_REQUEST", "`namespace` cannot be that.");
    throw error;
  }
  const headers = { "cache-control": "no-store", "x-content-type-options": "nosniff", "x-accel-buffering": "no", vary: "accept" };
  if (acceptsEvents(request))
    return new Response(events(readable), { headers: { ...headers, "content-type": "text/event-stream; charset=utf-8" } });
  return new Response(bytes(readable), { headers: { ...headers, "content-type": "application/octet-stream" } });
}

function acceptsEvents({ headers }: Request): boolean {
  return /(?:^|[,\s])text\/event-stream(?:[;,\s]|$)/i.test(headers.get("accept") ?? "");
}

/** A client that connects again says which chunk it had last. Null: not a number. */
function startOf({ headers }: Request, url: URL): number | null {
  const last = headers.get("last-event-id");
  const text = last || (url.searchParams.get("startIndex") ?? "0");
  const index = Number(text) + (last ? 1 : 0);
  return /^-?\d{1,15}$/.test(text) && Number.isSafeInteger(index) ? index : null;
}

/** Bytes as they are, text in UTF-8. Anything else has no bytes of its own, and breaks the stream off. */
function bytes(readable: RunReadable<unknown>): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  const transform = new TransformStream<unknown, Uint8Array>({
    transform(chunk, controller) {
      if (chunk instanceof Uint8Array) controller.enqueue(chunk);
      else if (typeof chunk === "string") controller.enqueue(encoder.encode(chunk));
      else controller.error(new TypeError("A chunk is neither bytes nor text."));
    },
  });
  return readable.pipeThrough(transform);
}

/** One event per chunk, its index as the id; the last one, `end`, says that no more will come. */
function events(readable: RunReadable<unknown>): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  const reader = readable.getReader();
  let reading: Promise<string> | null = null;
  let isOver = false;
  const read = async (): Promise<string> => {
    try {
      const { done, value } = await reader.read();
      if (!done) return eventOf(value, (readable.nextIndex ?? 0) - 1);
      isOver = true;
      return "event: end\ndata:\n\n";
    } catch {
      // Why is between the writer and the operator.
      isOver = true;
      return "event: failed\ndata:\n\n";
    }
  };
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        reading ??= read();
        const text = await orSilence(reading);
        if (text !== null) reading = null;
        controller.enqueue(encoder.encode(text ?? ":\n\n"));
        if (isOver) controller.close();
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
}

/** What is read, or null when it takes so long that the client must get a sign of life. */
async function orSilence(reading: Promise<string>): Promise<string | null> {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<null>((resolve) => (timer = setTimeout(() => resolve(null), keepAliveMs)));
  try {
    return await Promise.race([reading, silence]);
  } finally {
    clearTimeout(timer);
  }
}

function eventOf(value: unknown, index: number): string {
  if (value instanceof Uint8Array) return `id: ${index}\nevent: bytes\ndata: ${Buffer.from(value).toString("base64")}\n\n`;
  const text = encode(value, "chunk", { maxBytes: Number.MAX_SAFE_INTEGER });
  // What JSON keeps is JSON; other values are as the codec writes them, which is one line too.
  return text.startsWith("j") ? `id: ${index}\ndata: ${text.slice(1)}\n\n` : `id: ${index}\nevent: value\ndata: ${text}\n\n`;
}
