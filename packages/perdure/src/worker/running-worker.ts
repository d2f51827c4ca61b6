import type { DrainOptions, DrainSummary } from "./drain.ts";

/** A worker of this process. */
export interface RunningWorker {
  /** Unique per start. */
  readonly id: string;
  /**
   * Claims nothing more, lets attempts under way settle for up to `graceMs`, and gives the runs back: those without an attempt at once, the others as soon as their attempts have settled. Attempts that
   * have not settled by then are told by their `signal`. Other workers may take each run the moment that it is given back. Idempotent.
   */
  stop(): Promise<void>;
  /**
   * Works until nothing is due, or until the time is near, then stops the worker and says what it did. For processes that a timer starts: cron jobs, functions of a cloud.
   *
   * Nothing is due when there is no run to claim, and every run in memory waits: for a time (also that of the next attempt of a step), for a message, for another worker.
   * @throws INVALID_ARGUMENT, WORKER_STOPPED
   */
  drain(options?: DrainOptions): Promise<DrainSummary>;
}
