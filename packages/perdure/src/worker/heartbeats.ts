/**
 * What one attempt reports of its progress, and which reports become rows of history: the first one at once, later ones at most one per interval, which
 * doubles from one second to half a minute, so that a step of an hour writes some 125 rows. The latest report is kept until it is recorded: by the end of the
 * interval, by the row of an attempt that failed, or when the worker is stopped.
 */
import { clearTimeout, setTimeout } from "../host-timers.ts";

const firstIntervalMs = 1000;
const longestIntervalMs = 30_000;

export class Heartbeats {
  readonly #record: (progress: string) => void;
  #recorded: string | null;
  #latest: string | null = null;
  #timer: NodeJS.Timeout | null = null;
  #intervalMs = firstIntervalMs;

  /** @param recorded what history has of the attempts before  @param record makes a row of a report */
  constructor(recorded: string | null, record: (progress: string) => void) {
    this.#recorded = recorded;
    this.#record = record;
  }

  /** A report, encoded. */
  report(progress: string): void {
    this.#latest = progress;
    if (!this.#timer) this.#beginInterval();
  }

  /** Records the latest report now, unless history has it. */
  flush(): void {
    const progress = this.unrecorded;
    if (progress === null) return;
    this.#recorded = progress;
    this.#record(progress);
  }

  /** The latest report, if history does not have it. */
  get unrecorded(): string | null {
    return this.#latest === this.#recorded ? null : this.#latest;
  }

  end(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #beginInterval(): void {
    if (this.unrecorded === null) return;
    this.flush();
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#beginInterval();
    }, this.#intervalMs);
    this.#intervalMs = Math.min(longestIntervalMs, this.#intervalMs * 2);
  }
}
