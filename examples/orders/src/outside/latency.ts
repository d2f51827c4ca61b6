import { setTimeout as delay } from "node:timers/promises";

/** Waits for as long as a service on the network may need to answer. */
export function latency(leastMs: number, mostMs: number): Promise<void> {
  return delay(leastMs + Math.random() * (mostMs - leastMs));
}
