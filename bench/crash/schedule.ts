import { createRandom } from "./random.ts";

/** One fault. */
export interface Round {
  /** At least so many workers are at work when it happens. */
  readonly workers: 1 | 2;
  readonly fault: "kill" | "freeze";
  /** From the moment at which the newest worker is ready. */
  readonly afterMs: number;
  /** Of a freeze: how long the process stands still. Longer than its lease. */
  readonly frozenMs: number;
  /** Which of the workers, from 0 to 1. */
  readonly victim: number;
}

export const leaseMs = 500;

/** Of five rounds three kill a lone worker, one kills one of two, one freezes one of two; when, for how long and whom is left to chance. */
export function planRounds(count: number, seed: number): Round[] {
  const random = createRandom(seed);
  return Array.from({ length: count }, (_, index) => ({
    workers: index % 5 < 3 ? 1 : 2,
    fault: index % 5 < 4 ? "kill" : "freeze",
    afterMs: Math.round(5 + random() * 795),
    frozenMs: Math.round(leaseMs * (1.3 + random())),
    victim: random(),
  }));
}
