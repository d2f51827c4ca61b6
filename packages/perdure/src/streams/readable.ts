import { PerdureError } from "../errors/perdure-error.ts";
import { checkNamespace, defaultNamespace } from "./namespace.ts";
import { createStreamReader, type OpenStream, type StreamReader } from "./stream-reader.ts";

export interface ReadableOptions {
  /** Which of the run's streams; default `"default"`. */
  readonly namespace?: string;
  /** The index of the first chunk; below zero it counts from the end, -1 is the last chunk that the stream has when it is first read. Default 0. */
  readonly startIndex?: number;
}

/**
 * A durable stream of a run, as it grows. It ends where the stream was closed, or where it had come to when its run was over. It asks for chunks only when
 * it is read, a page at a time.
 */
export class RunReadable<T> extends ReadableStream<T> {
  readonly #reader: StreamReader;

  /** @param reader where the chunks come from; nobody else reads from it */
  constructor(reader: StreamReader) {
    super(
      {
        async pull(controller) {
          const chunk = await reader.next();
          if (chunk === null) controller.close();
          else controller.enqueue(chunk.value as T);
        },
        cancel: () => reader.cancel(),
      },
      { highWaterMark: 0 },
    );
    this.#reader = reader;
  }

  /**
   * The index of the chunk that the next `read()` gives: read, then keep this number, and `getReadable({ startIndex })` goes on behind what was read. Null
   * for a stream that is read from its end, before the first `read()`.
   */
  get nextIndex(): number | null {
    return this.#reader.nextIndex;
  }

  /** The index of the last chunk that the stream has now, -1 while it has none. @throws RUN_NOT_FOUND */
  async getTailIndex(): Promise<number> {
    return (await this.#reader.length()) - 1;
  }
}

/** @throws INVALID_ARGUMENT */
export function createReader(open: (name: string) => Promise<OpenStream>, options: ReadableOptions = {}): StreamReader {
  const { namespace = defaultNamespace, startIndex = 0 } = options;
  const name = checkNamespace(namespace, "getReadable()");
  if (Number.isSafeInteger(startIndex)) return createStreamReader(() => open(name), startIndex);
  throw new PerdureError("INVALID_ARGUMENT", `getReadable({ startIndex }) takes a whole number, not ${String(startIndex)}.`);
}
