/**
 * The end of a worker. Nothing new begins; runs that have nothing under way here are given back at once, so that others need not wait for the last attempt; those with
 * attempts follow, each when its attempts have settled and what they brought is committed. What has not settled after the grace time is told so by its signal,
 * and the lease ends with all that is left.
 */
import { setTimeout as delay } from "node:timers/promises";

import { clearInterval, setImmediate, setInterval } from "../host-timers.ts";
import { each } from "../few.ts";
import type { Core } from "./core.ts";
import type { Resident } from "./resident.ts";
import { drop } from "./trouble.ts";

/** What belongs to the worker beside its core. */
export interface Surroundings {
  readonly stopClaiming: () => Promise<void>;
  readonly unwatch: () => void;
  /** Renews the worker's leases. */
  readonly renew: () => Promise<void>;
  /** Ends the retries of commits. */
  readonly abort: AbortController;
}

/** Never rejects. */
export async function stop(core: Core, { stopClaiming, unwatch, renew, abort }: Surroundings, graceMs: number): Promise<void> {
  core.stopping = true;
  unwatch();
  for (const { attempting } of core.residents.all()) for (const attempt of each(attempting)) attempt.flushProgress();
  core.attempts.stop();
  for (const resident of core.residents.all()) giveBackIfAtRest(core, resident);
  const stopRenewing = keepLeases(core, renew);
  const grace = new AbortController();
  const settled = Promise.all([stopClaiming(), settleAll(core)]);
  await Promise.race([settled, delay(graceMs, undefined, { ref: false, signal: grace.signal }).catch(() => undefined)]);
  grace.abort();
  abort.abort(new Error("The worker was stopped."));
  core.timers.stop();
  core.deferrals.stop();
  for (const resident of core.residents.all()) drop(core, resident, "stopping");
  await withinASecond(stopRenewing());
  await withinASecond(core.releases.flush());
  await withinASecond(retire(core));
  core.observation.stop();
}

/** Gives a run back whose attempts have settled, or never began, and whose turns are committed. */
export function giveBackIfAtRest(core: Core, resident: Resident): void {
  if (isBusy(resident) || resident.mode !== "idle") return;
  drop(core, resident, "stopping");
  core.releases.add({ runId: resident.run.id, fence: resident.run.fence });
}

/** A turn is under way or to come, or an attempt is. */
export function isBusy({ mode, ready, attempting }: Resident): boolean {
  if (mode === "turning") return true;
  if (mode !== "idle") return false;
  if (ready.length > 0) return true;
  // One whose start is on record is the only one that there may be: it begins as soon as it has a place.
  for (const { hasBegun, step } of each(attempting)) if (hasBegun || step.hasStarted) return true;
  return false;
}

/** Attempts under way end, what they brought is delivered and committed. */
async function settleAll(core: Core): Promise<void> {
  for (let pauseMs = 1; ; pauseMs = Math.min(50, pauseMs * 2)) {
    await core.attempts.settled();
    await new Promise((resolve) => setImmediate(resolve));
    await core.committer.idle();
    if (![...core.residents.all()].some(isBusy)) return;
    // A turn may wait for something else than a commit that is under way.
    await delay(pauseMs, undefined, { ref: false });
  }
}

/** The worker's runs are its own until its attempts have settled: nobody else must begin them anew meanwhile. */
function keepLeases({ options }: Core, renew: () => Promise<void>): () => Promise<void> {
  let renewing: Promise<void> | null = null;
  const timer = setInterval(() => {
    renewing ??= renew()
      .catch(() => undefined)
      .finally(() => (renewing = null));
  }, options.leaseMs / 4);
  timer.unref();
  return async () => {
    clearInterval(timer);
    await renewing;
  };
}

/** Ends the lease, so that other workers need not wait for its end. A World that is away now sees it end by itself. */
async function retire(core: Core): Promise<void> {
  try {
    await core.world.retire(core.id);
  } catch (error) {
    core.observation.warn(`Ending the worker's lease failed: ${String(error)}`);
  }
}

/** A World that does not answer must not keep a process from its end. */
async function withinASecond(work: Promise<void>): Promise<void> {
  const waiting = new AbortController();
  await Promise.race([work, delay(1000, undefined, { ref: false, signal: waiting.signal }).catch(() => undefined)]);
  waiting.abort();
}
