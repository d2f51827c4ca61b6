import { clearTimeout, monotonicNow, setTimeout } from "../host-timers.ts";

/** Asks the World again and again for work: at once after a hint, soon while there is some, rarely when there is none. */
export interface ClaimLoop {
  /** Something may be there. */
  hint(): void;
  /** No further poll; resolves when the one under way has ended. */
  stop(): Promise<void>;
}

export interface PollResult {
  /** There was work: look again at once. */
  readonly more: boolean;
  /** When the next run falls due, as far as the World knows; ms since the epoch. */
  readonly nextDueAt: number | null;
}

const firstIdleMs = 25;

/** @param longestIdleMs the pause between polls when nothing happens; it must be well below the lease, because a poll renews that */
export function createClaimLoop(poll: () => Promise<PollResult>, longestIdleMs: number): ClaimLoop {
  let timer: NodeJS.Timeout | null = null;
  let timerAt = 0;
  let polling: Promise<void> | null = null;
  let hinted = false;
  let stopped = false;
  let idleMs = firstIdleMs;
  let isFailing = false;

  /** The earlier of what is scheduled and what is asked for: hints that never cease must not put the poll off for ever. */
  function schedule(ms: number): void {
    const at = monotonicNow() + ms;
    if (stopped || (timer && timerAt <= at)) return;
    if (timer) clearTimeout(timer);
    timerAt = at;
    timer = setTimeout(run, ms);
    timer.unref();
  }

  function run(): void {
    timer = null;
    polling ??= pollOnce().finally(() => {
      polling = null;
    });
  }

  async function pollOnce(): Promise<void> {
    hinted = false;
    let pauseMs: number;
    try {
      const { more, nextDueAt } = await poll();
      isFailing = false;
      idleMs = more ? firstIdleMs : Math.min(longestIdleMs, idleMs * 1.5);
      pauseMs = more || hinted ? 0 : Math.min(idleMs, nextDueAt === null ? idleMs : Math.max(0, nextDueAt - Date.now()));
    } catch (error) {
      if (!isFailing) process.emitWarning(`Asking the World for work failed and will be tried again: ${String(error)}`, "PerdureWarning");
      isFailing = true;
      idleMs = Math.min(longestIdleMs, idleMs * 2);
      pauseMs = idleMs * (0.5 + Math.random());
    }
    schedule(pauseMs);
  }

  schedule(0);
  return {
    hint() {
      hinted = true;
      idleMs = firstIdleMs;
      if (!polling) schedule(0);
    },
    async stop() {
      stopped = true;
      if (timer) clearTimeout(timer);
      await polling;
    },
  };
}
