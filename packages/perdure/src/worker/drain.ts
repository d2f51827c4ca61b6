/** For processes that are started to do what there is to do, and then end: cron jobs, functions of a cloud. */
import { durationMs, type Duration } from "../duration.ts";
import { PerdureError } from "../errors/perdure-error.ts";
import { setTimeout } from "../host-timers.ts";
import type { ClaimLoop } from "./claim-loop.ts";
import type { Core } from "./core.ts";
import { createHold } from "./hold.ts";
import type { WorkerEvent } from "./observe/observer.ts";
import { isBusy } from "./stop.ts";

export interface DrainOptions {
  /**
   * When to stop. `idle` (default): when there is nothing to do, however long that takes. A time, or how long from now: then at the latest, everything given back by then. Attempts under way get
   * `graceMs` before that time, at most half of what is left.
   */
  readonly until?: "idle" | Date | Duration;
}

/** What a worker did between the call of `drain()` and its end. */
export interface DrainSummary {
  /** `idle`: nothing was left to do. `time`: the time was near. `stopped`: somebody stopped the worker. */
  readonly reason: "idle" | "time" | "stopped";
  /** Runs that it claimed. */
  readonly claimed: number;
  /** Runs that ended. */
  readonly ended: { readonly completed: number; readonly failed: number; readonly cancelled: number };
  /** Attempts of steps that settled. */
  readonly attempts: number;
  /** When a run next falls due, as far as this worker knows: when to drain again. Null: not before somebody starts a run or sends a message. */
  readonly nextDueAt: Date | null;
}

const firstPauseMs = 2;
const longestPauseMs = 50;

/** @param end stops the worker, with the grace that its attempts get  @throws INVALID_ARGUMENT, WORKER_STOPPED */
export async function drain(
  core: Core,
  loop: ClaimLoop,
  end: (graceMs: number) => Promise<void>,
  { until = "idle" }: DrainOptions,
): Promise<DrainSummary> {
  const endAt = endOf(until);
  if (core.stopping) throw new PerdureError("WORKER_STOPPED", "A worker that was stopped cannot drain.");
  const hold = createHold();
  hold.acquire();
  const counts = { claimed: 0, attempts: 0, completed: 0, failed: 0, cancelled: 0 };
  const forget = core.observation.add({ observe: (event) => count(counts, event) });
  try {
    const graceMs = endAt === null ? core.options.graceMs : Math.min(core.options.graceMs, Math.max(0, (endAt - Date.now()) / 2));
    const { reason, nextDueAt } = await work(core, loop, endAt === null ? Number.POSITIVE_INFINITY : endAt - graceMs);
    const dueAt = earliest([nextDueAt, ...Array.from(core.residents.all(), ({ rowDueAt }) => rowDueAt)]);
    await end(graceMs);
    const { claimed, attempts, ...ended } = counts;
    return { reason, claimed, ended, attempts, nextDueAt: dueAt === null ? null : new Date(dueAt) };
  } finally {
    forget();
    hold.release();
  }
}

function endOf(until: NonNullable<DrainOptions["until"]>): number | null {
  if (until === "idle") return null;
  const at = until instanceof Date ? until.getTime() : Date.now() + durationMs(until);
  if (Number.isFinite(at)) return at;
  throw new PerdureError("INVALID_ARGUMENT", "drain({ until }) was given an invalid Date.");
}

/**
 * Nothing is left to do when no run in memory has anything ready, under way or being replayed, and a look at the World that began after that found neither a run nor a
 * message. Runs that only wait, also for the next attempt of a step, are no work.
 */
async function work(core: Core, loop: ClaimLoop, stopAt: number): Promise<{ reason: DrainSummary["reason"]; nextDueAt: number | null }> {
  let nextDueAt: number | null = null;
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(longestPauseMs, pauseMs * 1.5)) {
    if (core.stopping) return { reason: "stopped", nextDueAt };
    if (Date.now() >= stopAt) return { reason: "time", nextDueAt };
    if (!isAtWork(core)) {
      const result = await Promise.race([loop.look(), pause(Math.min(1000, stopAt - Date.now()))]);
      if (result) ({ nextDueAt } = result);
      if (result?.isEmpty && !isAtWork(core)) return { reason: core.stopping ? "stopped" : "idle", nextDueAt };
      if (result && !result.isEmpty) pauseMs = firstPauseMs;
    }
    await pause(Math.min(pauseMs, Math.max(0, stopAt - Date.now())));
  }
}

function isAtWork({ residents }: Core): boolean {
  for (const resident of residents.all())
    if (resident.mode === "replaying" || resident.attempting !== null || isBusy(resident)) return true;
  return false;
}

/** (The process is held by `drain()` itself: a pause that lost a race holds nothing.) */
const pause = (ms: number): Promise<null> => new Promise((resolve) => void setTimeout(() => resolve(null), Math.max(0, ms)).unref());

function count(counts: Record<"claimed" | "attempts" | "completed" | "failed" | "cancelled", number>, event: WorkerEvent): void {
  if (event.type === "run_claimed") counts.claimed++;
  else if (event.type === "attempt_settled") counts.attempts++;
  else if (event.type === "run_ended") counts[event.status]++;
}

function earliest(times: readonly (number | null)[]): number | null {
  return times.reduce<number | null>((first, at) => (at === null ? first : first === null ? at : Math.min(first, at)), null);
}
