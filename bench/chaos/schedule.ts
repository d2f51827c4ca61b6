import { createRandom } from "../crash/random.ts";

export type FaultKind = "kill" | "freeze" | "restart" | "terminate" | "sever";

/** One fault. */
export interface Fault {
  readonly kind: FaultKind;
  /** From the beginning of the load. */
  readonly atMs: number;
  /** From 0 to 1: which worker, or the seed of which connections. */
  readonly choice: number;
}

/** How long it takes on average until the next fault of a kind. They come independently of each other, so that they also meet. */
const meanGapMs: Readonly<Record<FaultKind, number>> = { kill: 6000, freeze: 11_000, restart: 25_000, terminate: 9000, sever: 9000 };

/** Faults in the order of time; at least one of each kind within a minute. */
export function planFaults(durationMs: number, seed: number): Fault[] {
  const random = createRandom(seed);
  const faults = (Object.keys(meanGapMs) as FaultKind[]).flatMap((kind) => {
    const ofKind: Fault[] = [];
    // The first one sooner: the load is there within a second.
    let atMs = meanGapMs[kind] * (0.3 + 0.7 * random());
    for (; atMs < durationMs; atMs += meanGapMs[kind] * (0.4 + 1.2 * random()))
      ofKind.push({ kind, atMs: Math.round(atMs), choice: random() });
    return ofKind;
  });
  return faults.sort((a, b) => a.atMs - b.atMs);
}
