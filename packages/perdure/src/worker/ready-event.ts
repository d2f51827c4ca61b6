import type { UntimedEvent } from "../engine/event.ts";

/** An event that is ready to be delivered; it gets its time then. */
export interface ReadyEvent {
  readonly event: UntimedEvent;
  readonly payload: string;
}
