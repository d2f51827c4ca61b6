import type { World } from "@perdure/world";

import type { Yardstick } from "../yardstick.ts";

/** A World to measure, and what to compare with it. */
export interface BenchWorld {
  /** As a user gets it by default; not set up yet. */
  readonly world: World;
  /** The storage with its version, for the report. */
  readonly database: string;
  /** An acknowledged commit survives a loss of power, so that figures are bound by the disk. */
  readonly durable: boolean;
  /** Bare storage: the same driver, settings and tables. @param row what to store, again and again */
  bare(row: Uint8Array): Yardstick;
  /** The World's own commits, with nothing above them. */
  commits(row: Uint8Array): Promise<Yardstick>;
  /** Removes what was stored. The World must be closed. */
  remove(): void;
}
