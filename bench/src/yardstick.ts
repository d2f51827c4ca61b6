/** Storage with no runtime above it: what the figures of the runtime are compared with. */
export interface Yardstick {
  /** Gets ready for so many producers, each with a sequence of rows of its own. */
  open(producers: number): Promise<void>;
  /** Makes one row of a producer durable, in a transaction with all that other producers append in the same turn of the event loop. */
  append(producer: number): Promise<void>;
  /** Makes one row durable, in a transaction of its own. */
  commitOne(): Promise<void>;
  close(): Promise<void>;
}

/** Rows per second when each producer awaits each of its rows. */
export async function produce(yardstick: Yardstick, producers: number, rowsEach: number): Promise<void> {
  const work = async (producer: number): Promise<void> => {
    for (let row = 0; row < rowsEach; row++) await yardstick.append(producer);
  };
  await Promise.all(Array.from({ length: producers }, (_, producer) => work(producer)));
}

/** Milliseconds of each of `count` commits of one row, awaited one after another. */
export async function commitTimes(yardstick: Yardstick, count: number): Promise<number[]> {
  const times: number[] = [];
  for (let index = 0; index < count; index++) {
    const start = performance.now();
    await yardstick.commitOne();
    times.push(performance.now() - start);
  }
  return times;
}

/**
 * Hands over all items of one turn of the event loop together; those that come meanwhile go with a later call.
 * @param lanes calls under way at the same time  @param most items of one call
 */
export function createTurnBatcher<T>(
  flush: (items: readonly T[]) => void | Promise<void>,
  { lanes, most }: { readonly lanes: number; readonly most: () => number } = { lanes: 1, most: () => Number.POSITIVE_INFINITY },
): (item: T) => Promise<void> {
  const waiting: { readonly item: T; readonly resolve: () => void; readonly reject: (error: unknown) => void }[] = [];
  let running = 0;
  async function drain(): Promise<void> {
    while (waiting.length > 0) {
      const batch = waiting.splice(0, most());
      try {
        await flush(batch.map(({ item }) => item));
        for (const { resolve } of batch) resolve();
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
    running--;
  }
  return (item) =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject });
      if (running >= lanes) return;
      running++;
      setImmediate(() => void drain());
    });
}
