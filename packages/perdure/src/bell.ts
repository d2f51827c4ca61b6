import { clearTimeout, setTimeout } from "./host-timers.ts";

/** Waiting for a hint that may come before, after or not at all. */
export interface Bell {
  /** Ends the waiting, or the next one if nobody waits. */
  readonly ring: () => void;
  /** Resolves at the next ring, or after a while. */
  wait(ms: number): Promise<void>;
}

export function createBell(): Bell {
  let hasRung = false;
  let wake = (): void => undefined;
  return {
    ring() {
      hasRung = true;
      wake();
    },
    async wait(ms) {
      if (!hasRung) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, ms);
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
      hasRung = false;
    },
  };
}
