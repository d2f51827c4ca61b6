import type { StreamChunk, World } from "@perdure/world";
import { v4 as uuid } from "uuid";

import { markStream, type EncodeOptions, type StreamOpener, type StreamReference } from "../codec/index.ts";
import { PerdureError } from "../errors/perdure-error.ts";
import { setImmediate } from "../host-timers.ts";
import { encodeChunk } from "./chunk.ts";
import { createChunkWriter, type ChunkWriter } from "./chunk-writer.ts";
import { valueStreamName } from "./namespace.ts";
import { openReadable } from "./process-streams.ts";

/** Whose streams they are. */
export interface AttemptOwner {
  readonly world: World;
  /** The World's id of the run. */
  readonly runId: string;
  readonly op: string;
  /** What the step is called in messages. */
  readonly stepId: string;
  /** Aborted when nobody wants the attempt's outcome. */
  readonly signal: AbortSignal;
  /** How large a chunk may be. */
  readonly limit: EncodeOptions;
}

/** A stream to which an attempt writes. However often it is opened, there is one writer, so that the order of the writes is kept. */
interface Written {
  readonly reference: StreamReference;
  readonly writer: ChunkWriter;
  /** Chunks that are in a WritableStream and not with the writer yet. */
  pending: number;
  isClosed: boolean;
}

/**
 * The streams of one attempt of a step. What it writes goes to the World at once. A `close()` takes effect with the step's result, in the same
 * commit: an attempt that fails, or is lost with its process, has closed nothing, and the next one can write on.
 */
export class AttemptStreams implements StreamOpener {
  readonly #owner: AttemptOwner;
  readonly #written = new Map<string, Written>();
  readonly #onAbort = new Set<(reason: unknown) => void>();
  #isOver = false;

  constructor(owner: AttemptOwner) {
    this.#owner = owner;
    const { signal } = owner;
    if (signal.aborted) this.#abort();
    else signal.addEventListener("abort", () => this.#abort(), { once: true });
  }

  openReadable(reference: StreamReference): ReadableStream {
    return openReadable(async () => this.#owner.world, reference);
  }

  openWritable(reference: StreamReference): WritableStream {
    const written = this.#writtenTo(reference);
    let controller: WritableStreamDefaultController | null = null;
    const forget = this.#whenAborted((reason) => controller?.error(reason));
    let queued = 0;
    let isDone = false;
    const leave = (): void => {
      isDone = true;
      written.pending -= queued;
      queued = 0;
      forget();
    };
    const stream = new WritableStream(
      {
        start: (given) => void (controller = given),
        write: async (chunk) => {
          try {
            this.#checkOpen(written);
            await written.writer.write(encodeChunk(chunk, this.#owner.limit));
            if (isDone) return;
            queued--;
            written.pending--;
          } catch (error) {
            leave();
            throw error;
          }
        },
        close: async () => {
          if (!written.isClosed) this.#checkOpen(written);
          written.isClosed = true;
          leave();
          await written.writer.flush();
        },
        abort: leave,
      },
      {
        highWaterMark: 1,
        // Called for each write, at once: the only way to learn of those that nobody awaits. Also for those that are refused, behind an end.
        size: () => {
          if (isDone) return 1;
          queued++;
          written.pending++;
          return 1;
        },
      },
    );
    return markStream(stream, reference);
  }

  /** Copies a stream into a new one of the run, to its end. Rejects with what the source throws. */
  async store(source: ReadableStream): Promise<StreamReference> {
    const { runId, op, world } = this.#owner;
    const reference = { runId, name: valueStreamName(op, uuid()) };
    const writer = createChunkWriter(world, reference);
    const forget = this.#whenAborted((reason) => writer.abort(reason));
    try {
      for await (const chunk of source) await writer.write(encodeChunk(chunk, this.#owner.limit));
      await writer.end();
    } finally {
      forget();
    }
    return reference;
  }

  /**
   * The attempt's code has ended. Resolves when all that it wrote is durable, with what its step's commit has to say to the run's streams. Rejects when
   * something that it wrote will not be there.
   */
  async settle(): Promise<readonly StreamChunk[]> {
    await this.#drain();
    this.#isOver = true;
    const all = [...this.#written.values()];
    await Promise.all(all.map(({ writer, reference, isClosed }) => (isClosed && !this.#isOwn(reference) ? writer.end() : writer.flush())));
    return all
      .filter(({ reference, isClosed }) => isClosed && this.#isOwn(reference))
      .map(({ reference: { name } }) => ({ name, data: null }));
  }

  /** The attempt has failed: what it wrote stays, and nothing more is taken. */
  async giveUp(): Promise<void> {
    await this.#drain();
    this.#isOver = true;
    await Promise.allSettled(Array.from(this.#written.values(), ({ writer }) => writer.flush()));
  }

  /** A turn of the event loop lets a write or a `close()` that nobody awaits arrive; then those that are queued. */
  async #drain(): Promise<void> {
    do {
      await new Promise<void>((resolve) => void setImmediate(resolve));
      if (this.#owner.signal.aborted) return;
      await Promise.allSettled(Array.from(this.#written.values(), ({ writer, pending }) => (pending > 0 ? writer.flush() : null)));
    } while ([...this.#written.values()].some(({ pending }) => pending > 0));
  }

  #isOwn({ runId }: StreamReference): boolean {
    return runId === this.#owner.runId;
  }

  #writtenTo(reference: StreamReference): Written {
    const key = `${reference.runId} ${reference.name}`;
    let written = this.#written.get(key);
    if (!written) {
      const writer = createChunkWriter(this.#owner.world, reference);
      written = { reference, writer, pending: 0, isClosed: false };
      this.#written.set(key, written);
      this.#whenAborted((reason) => writer.abort(reason));
    }
    return written;
  }

  #checkOpen({ reference: { name, runId }, isClosed }: Written): void {
    this.#owner.signal.throwIfAborted();
    const { stepId } = this.#owner;
    if (this.#isOver) {
      throw new PerdureError(
        "STREAM_NOT_WRITABLE",
        `The stream "${name}" of run ${runId} was written to after the attempt of the step "${stepId}" that had opened it was over.`,
      );
    }
    if (isClosed)
      throw new PerdureError("STREAM_NOT_WRITABLE", `The step "${stepId}" wrote to the stream "${name}" of run ${runId} after closing it.`);
  }

  #whenAborted(react: (reason: unknown) => void): () => void {
    this.#onAbort.add(react);
    const { signal } = this.#owner;
    if (signal.aborted) react(signal.reason);
    return () => void this.#onAbort.delete(react);
  }

  #abort(): void {
    for (const react of this.#onAbort) react(this.#owner.signal.reason);
  }
}
