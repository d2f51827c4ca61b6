/** Collects items while a flush is under way, and hands over all that came in one call: group commit, in general. */
export interface Batcher<T, R> {
  /** Resolves with the item's own result; rejects when the flush that held it did. */
  submit(item: T): Promise<R>;
  /** Resolves when nothing is queued or under way. */
  idle(): Promise<void>;
}

interface Entry<T, R> {
  readonly item: T;
  readonly resolve: (result: R) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * @param flush gets 1 to `max` items in the order of submission, returns a result for each in the same order
 * @param schedule when the first flush of a burst starts: `queueMicrotask` (after the caller's own work) or `setImmediate` (after the event loop's)
 */
export function createBatcher<T, R>(
  flush: (items: readonly T[]) => Promise<readonly R[]>,
  max: number,
  schedule: (run: () => void) => void,
): Batcher<T, R> {
  let queue: Entry<T, R>[] = [];
  let running: Promise<void> | null = null;

  async function flushOnce(): Promise<void> {
    const entries = queue.splice(0, max);
    try {
      const results = await flush(entries.map((entry) => entry.item));
      entries.forEach((entry, index) => entry.resolve(results[index] as R));
    } catch (error) {
      for (const entry of entries) entry.reject(error);
    }
  }

  async function drain(): Promise<void> {
    await new Promise<void>((resolve) => schedule(resolve));
    while (queue.length > 0) await flushOnce();
    running = null;
  }

  return {
    submit(item) {
      return new Promise<R>((resolve, reject) => {
        queue.push({ item, resolve, reject });
        running ??= drain();
      });
    },
    async idle() {
      while (running) await running;
    },
  };
}
