/** `plain`: no runs, but what they would be in JavaScript alone. The others: what runs wait for, in memory or evicted from it. */
export const variants = ["plain", "hook", "time", "step", "evictedHook", "evictedTime"] as const;

export type Variant = (typeof variants)[number];

export interface ChildRequest {
  readonly variant: Variant;
  readonly runs: number;
  /** Also print what the bytes are. */
  readonly census: boolean;
}

/** Growth per run, after garbage was collected. */
export interface ChildResult {
  readonly heapBytes: number;
  readonly bufferBytes: number;
}
