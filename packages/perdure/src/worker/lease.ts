import { monotonicNow } from "../host-timers.ts";

/**
 * What this process may assume about its lease, by a clock that no one sets. A worker that stood still (SIGSTOP, a blocked event loop, a suspended
 * machine) wakes up with runs that may be another's by now; its commits are fenced, but an attempt would already have had its effects.
 */
export interface Lease {
  /** The World has renewed the lease in a call that began at `startedAt` (`monotonicNow()`). */
  renewed(startedAt: number): void;
  /** True when the lease may be over: no attempt may begin before the runs are known to be this worker's. */
  hasLapsed(): boolean;
}

/** A World may skip a renewal while more than two thirds of the lease are left, so that is all one can count on. */
export function createLease(leaseMs: number): Lease {
  let renewedAt = Number.NEGATIVE_INFINITY;
  return {
    renewed(startedAt) {
      renewedAt = Math.max(renewedAt, startedAt);
    },
    hasLapsed: () => monotonicNow() - renewedAt > (leaseMs * 2) / 3,
  };
}
