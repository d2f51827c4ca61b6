import type { Renewal, World } from "@perdure/world";

import { monotonicNow } from "../host-timers.ts";
import { perLane } from "../lanes.ts";

/**
 * What this process may assume about a lease, by a clock that no one sets. A worker that stood still (SIGSTOP, a blocked event loop, a suspended
 * machine) wakes up with runs that may be another's by now; its commits are fenced, but an attempt would already have had its effects.
 */
export interface Lease {
  /** How often it was renewed after it may have been over. Whether a run was lost then shows in a call that began later: see `Resident.provenIn`. */
  readonly lapses: number;
  /** When it was last renewed after it may have been over, by `monotonicNow()`; before that, from when on it was watched. */
  readonly lapsedAt: number;
  /** True when it may be over: no attempt may begin before it is renewed and the run known to be this worker's. */
  hasLapsed(): boolean;
}

/** The worker's leases, one for each lane: of a World on several servers one may be lost alone. */
export interface Leases {
  /** The lease by which this worker has a run. */
  of(runId: string): Lease;
  /** The World has renewed all, or those of which it says so, in a call that began at `startedAt` (`monotonicNow()`). True when one of them had lapsed until now. */
  renewed(startedAt: number, renewal: Renewal | void): boolean;
}

class LaneLease implements Lease {
  readonly lane: string;
  lapses = 0;
  lapsedAt: number;
  readonly #sureMs: number;
  #renewedAt: number;

  constructor(lane: string, sureMs: number, renewedAt: number) {
    this.lane = lane;
    this.#sureMs = sureMs;
    this.#renewedAt = renewedAt;
    this.lapsedAt = renewedAt;
  }

  hasLapsed(): boolean {
    return monotonicNow() - this.#renewedAt > this.#sureMs;
  }

  /** Counts only here, when the World has answered: a run that is asked for from now on is asked for behind the renewal. A call may itself have outlasted the lease. */
  renewed(startedAt: number): boolean {
    const hadLapsed = this.hasLapsed();
    if (hadLapsed) {
      this.lapses++;
      this.lapsedAt = monotonicNow();
    }
    this.#renewedAt = Math.max(this.#renewedAt, startedAt);
    return hadLapsed;
  }
}

export function createLeases(world: World, leaseMs: number): Leases {
  // A World may skip a renewal while more than two thirds of the lease are left, so that is all one can count on.
  const sureMs = (leaseMs * 2) / 3;
  let latest: { readonly startedAt: number; readonly renewal: Renewal | void } | null = null;
  const leases = perLane(world, (lane) => {
    const isSure = latest !== null && isRenewed(latest.renewal, lane);
    return new LaneLease(lane, sureMs, isSure ? latest!.startedAt : Number.NEGATIVE_INFINITY);
  });
  return {
    of: (runId) => leases.of(runId),
    renewed(startedAt, renewal) {
      latest = { startedAt, renewal };
      let hadLapsed = false;
      for (const lease of leases.all()) if (isRenewed(renewal, lease.lane) && lease.renewed(startedAt)) hadLapsed = true;
      return hadLapsed;
    },
  };
}

function isRenewed(renewal: Renewal | void, lane: string): boolean {
  return renewal?.renewed?.has(lane) ?? true;
}
