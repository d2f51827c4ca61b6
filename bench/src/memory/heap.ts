import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** What a process holds after everything that can be collected was. */
export interface Held {
  /** Bytes of JavaScript objects. */
  readonly heap: number;
  /** Bytes outside of the heap that belong to them: buffers. */
  readonly buffers: number;
}

/** Collects garbage until no more comes (finalizers run between collections), then reads. */
export async function measureHeld(): Promise<Held> {
  const gc = collector();
  let held: Held = { heap: Number.POSITIVE_INFINITY, buffers: 0 };
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    gc();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    if (heapUsed > held.heap * 0.999) return { heap: heapUsed, buffers: arrayBuffers };
    held = { heap: heapUsed, buffers: arrayBuffers };
  }
}

/** That of `--expose-gc`, or the same for a process that was started without it. */
function collector(): () => void {
  if (!globalThis.gc) {
    setFlagsFromString("--expose-gc");
    globalThis.gc = runInNewContext("gc") as NodeJS.GCFunction;
  }
  return globalThis.gc;
}
