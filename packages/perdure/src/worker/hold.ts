import { clearInterval, setInterval } from "../host-timers.ts";

/** Keeps the process alive while anyone holds it. */
export interface Hold {
  acquire(): void;
  release(): void;
}

/** The longest interval that Node takes; the timer's only use is to be referenced. */
const longestMs = 2 ** 31 - 1;

export function createHold(): Hold {
  let count = 0;
  let timer: NodeJS.Timeout | null = null;
  return {
    acquire() {
      count++;
      timer ??= setInterval(() => undefined, longestMs);
    },
    release() {
      count--;
      if (count > 0 || !timer) return;
      clearInterval(timer);
      timer = null;
    },
  };
}
