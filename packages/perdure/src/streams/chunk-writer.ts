import { WorldError, type StreamAppended, type World } from "@perdure/world";
import { v4 as uuid } from "uuid";

import type { StreamReference } from "../codec/index.ts";
import { PerdureError } from "../errors/perdure-error.ts";
import { WorkflowRunNotFoundError } from "../errors/run-errors.ts";
import { appenderOf, type Source } from "./appender.ts";

/** Appends to one stream. Chunks arrive in the order of their writes, each once. */
export interface ChunkWriter {
  /**
   * Takes a chunk over. Resolves at once while less than {@link bufferBytes} wait for the World, else when that is so again. Rejects once an append was refused.
   */
  write(chunk: Uint8Array): Promise<void>;
  /** Resolves when all that was written is durable. Rejects when it will not be. */
  flush(): Promise<void>;
  /** The same, and marks the end of the stream. */
  end(): Promise<void>;
  /** Sends nothing more; what waits rejects with `reason`. What was under way may still arrive. */
  abort(reason: unknown): void;
}

/** How much a writer keeps that the World has not acknowledged, and one chunk more. */
export const bufferBytes = 256 * 1024;
/** What a chunk counts beside its bytes, so that empty ones are not for nothing. */
const chunkOverhead = 64;

interface Waiter {
  /** Waits until no more than so many bytes are left. */
  readonly below: number;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
}

export function createChunkWriter(world: World, stream: StreamReference): ChunkWriter {
  const appender = appenderOf(world, stream.runId);
  const writer = { id: uuid(), from: 0 };
  /** Chunks that are not acknowledged; the first `taken` may be in the World. */
  let chunks: Uint8Array[] = [];
  let taken = 0;
  let size = 0;
  /** Whether the end is to be marked, is part of what was taken, and is marked. */
  let end: "open" | "wanted" | "taken" | "marked" = "open";
  let failure: { readonly reason: unknown } | null = null;
  let waiters: Waiter[] = [];

  const source: Source = {
    get isOver() {
      return failure !== null;
    },
    take() {
      taken = chunks.length;
      if (end === "wanted") end = "taken";
      return { ...stream, chunks: chunks.slice(0, taken), close: end === "taken", writer: { ...writer } };
    },
    answered(result) {
      if (failure) return false;
      if (result.status !== "appended") {
        source.failed(refusal(result, stream));
        return false;
      }
      writer.from += taken;
      for (const chunk of chunks.splice(0, taken)) size -= costOf(chunk);
      taken = 0;
      if (end === "taken") end = "marked";
      wake();
      return chunks.length > 0 || end === "wanted";
    },
    failed(reason) {
      if (failure) return;
      failure = { reason };
      chunks = [];
      for (const waiter of waiters.splice(0)) waiter.reject(reason);
    },
  };

  function wake(): void {
    const ready = waiters.filter((waiter) => isReady(waiter.below));
    waiters = waiters.filter((waiter) => !ready.includes(waiter));
    for (const waiter of ready) waiter.resolve();
  }

  /** `below` 0: all is durable, also the end. */
  function isReady(below: number): boolean {
    return below > 0 ? size < below : size === 0 && (end === "open" || end === "marked");
  }

  async function wait(below: number): Promise<void> {
    if (failure) throw failure.reason;
    if (!isReady(below)) await new Promise<void>((resolve, reject) => waiters.push({ below, resolve, reject }));
  }

  return {
    async write(chunk) {
      if (failure) throw failure.reason;
      chunks.push(chunk);
      size += costOf(chunk);
      appender.submit(source);
      await wait(bufferBytes);
    },
    flush: () => wait(0),
    async end() {
      if (failure) throw failure.reason;
      if (end === "open") {
        end = "wanted";
        appender.submit(source);
      }
      await wait(0);
    },
    abort: (reason) => source.failed(reason),
  };
}

function costOf(chunk: Uint8Array): number {
  return chunk.byteLength + chunkOverhead;
}

function refusal({ status }: Exclude<StreamAppended, { readonly status: "appended" }>, { runId, name }: StreamReference): Error {
  switch (status) {
    case "not_found":
      return new WorkflowRunNotFoundError(runId);
    case "closed":
      return new WorldError("STREAM_CLOSED", `The stream "${name}" of run ${runId} is closed.`, { hint: "Write before closing it." });
    case "behind":
      return new PerdureError("STREAM_NOT_WRITABLE", `The stream "${name}" of run ${runId} has lost chunks that were written before.`);
    default:
      return status satisfies never;
  }
}
