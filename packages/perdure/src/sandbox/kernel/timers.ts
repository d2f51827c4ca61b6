import { clearDurableTimer, setDurableInterval, setDurableTimeout } from "./waits.ts";

/** Timers as libraries expect them: each is a durable wait of the run. */
export const durableTimers: Readonly<Record<string, unknown>> = {
  setTimeout: setDurableTimeout,
  setInterval: setDurableInterval,
  clearTimeout: clearDurableTimer,
  clearInterval: clearDurableTimer,
};

export function installTimers(global: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(durableTimers))
    Object.defineProperty(global, name, { value, configurable: true, writable: true });
}
