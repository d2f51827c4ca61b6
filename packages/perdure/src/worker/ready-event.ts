import type { StreamChunk } from "@perdure/world";

import type { UntimedEvent } from "../engine/event.ts";

/** An event that is ready to be delivered; it gets its time then, if it has none. */
export interface ReadyEvent {
  readonly event: UntimedEvent;
  readonly payload: string;
  /** What its commit says to the run's streams: which of them the step has closed. */
  readonly chunks?: readonly StreamChunk[];
}
