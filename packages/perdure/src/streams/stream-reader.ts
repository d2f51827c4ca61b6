import type { World } from "@perdure/world";

import { WorkflowRunNotFoundError } from "../errors/run-errors.ts";
import { clearTimeout, setTimeout } from "../host-timers.ts";
import { decodeChunk } from "./chunk.ts";
import { wakesOf } from "./wakes.ts";

/** A chunk, and where it is in its stream. */
export interface IndexedChunk {
  readonly index: number;
  readonly value: unknown;
}

/** A stream of a run, wherever that is. */
export interface OpenStream {
  readonly world: World;
  /** The World's id of the run. */
  readonly runId: string;
  readonly name: string;
}

/**
 * Reads a stream chunk by chunk, from any index, to its end: where it was closed, or where it had come to when its run was over. Asks the World only
 * when it is asked, for a page at a time.
 */
export interface StreamReader {
  /** The index of the chunk that comes next; null while it is counted from an end that nobody has looked for yet. */
  readonly nextIndex: number | null;
  /**
   * The next chunk, as soon as there is one; null at the end, and once the reader was cancelled. One call at a time.
   * @throws RUN_NOT_FOUND, also when the run is deleted meanwhile; the error with which the stream breaks off
   */
  next(): Promise<IndexedChunk | null>;
  /** How many chunks the stream has now. @throws RUN_NOT_FOUND */
  length(): Promise<number>;
  /** Ends a `next()` that waits, and all later ones. */
  cancel(): void;
}

/** Chunks of a page; the next page is as large as fits into about {@link pageBytes}. */
const firstPage = 16;
const largestPage = 256;
const pageBytes = 1024 * 1024;

/** How long to wait for a hint. It grows with the silence, so that a chunk is late by a quarter of it at most when hints do not come. */
const firstLookMs = 10;
const longestLookMs = 1000;
const growth = 1.25;

/**
 * @param open finds the stream; called when it is first needed
 * @param startIndex where to begin; below zero: so many chunks before the end that the stream has at the first look
 */
export function createStreamReader(open: () => Promise<OpenStream>, startIndex: number): StreamReader {
  let opened: Promise<OpenStream> | null = null;
  let index = startIndex < 0 ? null : startIndex;
  let page: readonly Uint8Array[] = [];
  let position = 0;
  let limit = firstPage;
  let isOver = false;
  let wake = (): void => undefined;

  const stream = (): Promise<OpenStream> => {
    opened ??= open();
    return opened;
  };

  async function length(): Promise<number> {
    const { world, runId, name } = await stream();
    const found = await world.streams.read({ runId, name }, Number.MAX_SAFE_INTEGER, 1);
    if (found.run === null) throw new WorkflowRunNotFoundError(runId);
    return found.length;
  }

  /** Loads a page; false when there is none yet. */
  async function look({ world, runId, name }: OpenStream, from: number): Promise<boolean> {
    const found = await world.streams.read({ runId, name }, from, limit);
    if (found.run === null) throw new WorkflowRunNotFoundError(runId);
    page = found.chunks;
    position = 0;
    limit = nextLimit(page);
    if (page.length === 0 && (found.done || found.run !== "running")) isOver = true;
    return page.length > 0;
  }

  /** Looks until there is a page, or an end. */
  async function turn(from: number): Promise<void> {
    const found = await stream();
    for (let waitMs = firstLookMs; !isOver; waitMs = Math.min(longestLookMs, waitMs * growth)) {
      const woken = new Promise<void>((resolve) => (wake = resolve));
      // Before the look, so that no hint is missed between the two.
      const leave = wakesOf(found.world).add(found.runId, wake);
      const timer = setTimeout(wake, waitMs);
      try {
        if (isOver || (await look(found, from))) return;
        if (!isOver) await woken;
      } finally {
        clearTimeout(timer);
        leave();
      }
    }
  }

  return {
    get nextIndex() {
      return index;
    },
    async next() {
      if (isOver) return null;
      index ??= Math.max(0, (await length()) + startIndex);
      if (position >= page.length) await turn(index);
      const chunk = isOver ? undefined : page[position];
      if (!chunk) return null;
      const value = decodeChunk(chunk);
      position++;
      return { index: index++, value };
    },
    length,
    cancel() {
      isOver = true;
      page = [];
      wake();
    },
  };
}

function nextLimit(page: readonly Uint8Array[]): number {
  if (page.length === 0) return firstPage;
  const bytes = page.reduce((sum, chunk) => sum + chunk.byteLength, 0);
  return Math.max(1, Math.min(largestPage, page.length * 4, Math.floor((pageBytes * page.length) / Math.max(1, bytes))));
}
