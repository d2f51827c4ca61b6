import type { Driver } from "./driver/driver.ts";
import { isBusy } from "./failure.ts";

/**
 * Runs synchronous work, again and again while another connection holds the lock, for at most `patienceMs`; then its error is thrown.
 *
 * The pauses are short and random (1 to 8 ms) and do not block the event loop. SQLite's own busy handler sleeps longer and longer, up
 * to 100 ms, so that a process that writes without a pause starves the others: with four writers on one file one did nearly all.
 */
export async function retryBusy<T>(driver: Driver, patienceMs: number, work: () => T): Promise<T> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    try {
      return work();
    } catch (error) {
      if (!isBusy(driver, error) || performance.now() > deadline) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 1 + Math.random() * 7));
  }
}
