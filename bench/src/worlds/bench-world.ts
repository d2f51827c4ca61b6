import type { World } from "@perdure/world";

import type { Yardstick } from "../yardstick.ts";
import type { Meter } from "./meter.ts";

/** A World to measure, and what to compare with it. */
export interface BenchWorld {
  /** As a user gets it by default; not set up yet. */
  readonly world: World;
  /** The storage with its version, for the report. */
  readonly database: string;
  /** An acknowledged commit survives a loss of power, so that figures are bound by the disk. */
  readonly durable: boolean;
  /** Where other processes find the World; null when they cannot. See `openPlace()`. */
  readonly place: string | null;
  /** Bare storage: the same driver, settings and tables. @param row what to store, again and again */
  bare(row: Uint8Array): Promise<Yardstick>;
  /** The World's own commits, with nothing above them. */
  commits(row: Uint8Array): Promise<Yardstick>;
  /** What the World's storage does. Null when there is none, or when the World was not opened to be metered. */
  readonly meter: Meter | null;
  /** Removes what was stored. The World must be closed. */
  remove(): Promise<void>;
}

export interface OpenOptions {
  /** A server to use instead of one that is started. */
  readonly url: string | null;
  /** Count what the World asks of its driver, which costs a little. Default false. */
  readonly metered?: boolean;
}
