import { clearTimeout, monotonicNow, setTimeout } from "../host-timers.ts";

/** Asks the World again and again for work: at once after a hint, soon while there is some, rarely when there is none. */
export interface ClaimLoop {
  /** Something may be there. */
  hint(): void;
  /** Looks at once; resolves with what a poll said that began after this call, or null when it failed or the loop was stopped. */
  look(): Promise<PollResult | null>;
  /** No further poll; resolves when the one under way has ended. */
  stop(): Promise<void>;
}

export interface PollResult {
  /** There was work: look again at once. */
  readonly more: boolean;
  /** There was room, and neither a run nor a message. */
  readonly isEmpty: boolean;
  /** When the next run falls due, as far as the World knows; ms since the epoch. */
  readonly nextDueAt: number | null;
}

const firstIdleMs = 25;

/** @param longestIdleMs the pause between polls when nothing happens; it must be well below the lease, because a poll renews that */
export function createClaimLoop(poll: () => Promise<PollResult>, longestIdleMs: number, warn: (message: string) => void): ClaimLoop {
  let timer: NodeJS.Timeout | null = null;
  let timerAt = 0;
  let polling: Promise<void> | null = null;
  let hinted = false;
  let stopped = false;
  let idleMs = firstIdleMs;
  let isFailing = false;
  /** Those who want to know what the next poll says. */
  let looking: ((result: PollResult | null) => void)[] = [];

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
    const asked = looking;
    looking = [];
    let result: PollResult | null = null;
    let pauseMs: number;
    try {
      result = await poll();
      const { more, nextDueAt } = result;
      isFailing = false;
      idleMs = more ? firstIdleMs : Math.min(longestIdleMs, idleMs * 1.5);
      pauseMs = more || hinted ? 0 : Math.min(idleMs, nextDueAt === null ? idleMs : Math.max(0, nextDueAt - Date.now()));
    } catch (error) {
      if (!isFailing) warn(`Asking the World for work failed and will be tried again: ${String(error)}`);
      isFailing = true;
      idleMs = Math.min(longestIdleMs, idleMs * 2);
      pauseMs = idleMs * (0.5 + Math.random());
    }
    for (const resolve of asked) resolve(result);
    if (stopped) answerNobody();
    schedule(looking.length > 0 ? 0 : pauseMs);
  }

  function answerNobody(): void {
    for (const resolve of looking.splice(0)) resolve(null);
  }

  schedule(0);
  return {
    hint() {
      hinted = true;
      idleMs = firstIdleMs;
      if (!polling) schedule(0);
    },
    look() {
      return new Promise((resolve) => {
        looking.push(resolve);
        if (stopped) answerNobody();
        else if (!polling) schedule(0);
      });
    },
    async stop() {
      stopped = true;
      answerNobody();
      if (timer) clearTimeout(timer);
      await polling;
    },
  };
}
