/** Until when workers are known to be alive. A worker is expected to ask for leases of one length. */
export interface Leases {
  /** A lease was acknowledged that lasts at least until then. */
  extend(worker: string, until: number, tick: number): void;
  /** The worker begins to retire. */
  end(worker: string, tick: number): void;
  /** Whether the worker has begun to retire since a tick. */
  hasEnded(worker: string, since: number): boolean;
  /** Whether a lease that was known at a tick lasts beyond a time. */
  isAlive(worker: string, since: number, at: number): boolean;
}

/** Creates the leases of nobody. */
export function createLeases(): Leases {
  const known = new Map<string, { until: number; tick: number }[]>();
  const ended = new Map<string, number>();
  return {
    extend(worker, until, tick) {
      const entries = known.get(worker) ?? [];
      // One entry may be younger than a call that is under way; the one before it is what that call is checked against.
      known.set(worker, [...entries.slice(-7), { until, tick }]);
    },
    end(worker, tick) {
      known.delete(worker);
      ended.set(worker, tick);
    },
    hasEnded: (worker, since) => (ended.get(worker) ?? -1) > since,
    isAlive: (worker, since, at) => (known.get(worker) ?? []).some(({ until, tick }) => tick <= since && until > at),
  };
}
