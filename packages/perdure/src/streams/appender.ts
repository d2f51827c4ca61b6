/**
 * Group commit for streams: the chunks of all writers of a process go to the World in one call, and what is written while that is under way goes in the next.
 *
 * A call that fails leaves its outcome open. The same appends are tried again until the World answers; it knows each writer's chunks, so that nothing is there
 * twice. After the second failure each writer goes on for itself, so that one whose chunks cannot pass does not hold up the others.
 */
import { WorldError, type StreamAppend, type StreamAppended, type World } from "@perdure/world";

import { setImmediate, setTimeout } from "../host-timers.ts";
import { perWorldAndLane } from "../lanes.ts";

/** One who appends to one stream. */
export interface Source {
  /** True when nothing of it is to be sent any more. */
  readonly isOver: boolean;
  /** What to append now: what the World has not acknowledged, and what has come since. */
  take(): StreamAppend;
  /** True when there is more. */
  answered(result: StreamAppended): boolean;
  failed(error: unknown): void;
}

export interface Appender {
  /** The source has something to append. Again and again is once. */
  submit(source: Source): void;
}

/** Bytes per call, at which no further writer is added. */
const batchBytes = 4 * 1024 * 1024;

const hopeless: ReadonlySet<string> = new Set(["WORLD_CLOSED", "WORLD_INVALID_ARGUMENT", "WORLD_INVARIANT"]);

/** The one of a World in this process for streams of a run, and of all others in its lane. */
export const appenderOf: (world: World, runId: string) => Appender = perWorldAndLane(createAppender);

function createAppender(world: World): Appender {
  const waiting = new Set<Source>();
  /** Sources with a call under way; those that have more meanwhile wait for its answer. */
  const sending = new Set<Source>();
  let isRunning = false;

  async function drain(): Promise<void> {
    await new Promise<void>((resolve) => void setImmediate(resolve));
    while (waiting.size > 0) await send(nextBatch());
    isRunning = false;
  }

  function nextBatch(): Source[] {
    const batch: Source[] = [];
    let bytes = 0;
    for (const source of waiting) {
      if (bytes >= batchBytes) break;
      waiting.delete(source);
      if (source.isOver) continue;
      sending.add(source);
      batch.push(source);
      for (const chunk of source.take().chunks) bytes += chunk.byteLength;
    }
    return batch;
  }

  async function send(batch: readonly Source[]): Promise<void> {
    for (let failures = 0; ; failures++) {
      const sources = batch.filter((source) => !forgotten(source));
      if (sources.length === 0) return;
      try {
        const results = await world.streams.append(sources.map((source) => source.take()));
        sources.forEach((source, index) => settle(source, results[index]));
        return;
      } catch (error) {
        const isHopeless = WorldError.is(error) && hopeless.has(error.code);
        if (sources.length > 1 && (isHopeless || failures > 0)) {
          for (const source of sources) void send([source]);
          return;
        }
        if (isHopeless) {
          for (const source of sources) fail(source, error);
          return;
        }
        if (failures === 0) process.emitWarning(`Appending to streams failed and will be tried again: ${String(error)}`, "PerdureWarning");
        await new Promise((resolve) => setTimeout(resolve, Math.min(1000, 10 * 2 ** failures) * (0.5 + Math.random())));
      }
    }
  }

  function forgotten(source: Source): boolean {
    if (source.isOver) sending.delete(source);
    return source.isOver;
  }

  function settle(source: Source, result: StreamAppended | undefined): void {
    sending.delete(source);
    if (!result) source.failed(new TypeError("The World answered fewer appends than it was given."));
    else if (source.answered(result)) submit(source);
  }

  function fail(source: Source, error: unknown): void {
    sending.delete(source);
    source.failed(error);
  }

  function submit(source: Source): void {
    if (sending.has(source)) return;
    waiting.add(source);
    if (isRunning) return;
    isRunning = true;
    void drain();
  }

  return { submit };
}
