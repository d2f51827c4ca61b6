import type { World } from "@perdure/world";

import type { PendingStep } from "../engine/commands.ts";
import { setTimeout } from "../host-timers.ts";
import type { RegisteredStep } from "../registry.ts";
import { Attempt } from "./attempt.ts";
import type { Hold } from "./hold.ts";
import type { ReadyEvent } from "./ready-event.ts";
import type { Resident } from "./resident.ts";

/** Makes attempts of steps, at most `concurrency` at a time, first come first served, and none while `mayStart` says no. */
export interface Attempts {
  start(resident: Resident, step: PendingStep, registered: RegisteredStep): void;
  /** The answer is not wanted any more: an attempt under way is told by its signal, one in the queue never begins. */
  cancel(resident: Resident, op: string, reason: Error): void;
  /** `mayStart` may have changed its mind. */
  resume(): void;
  /** No further attempt starts. Resolves when those under way have settled. */
  stop(): Promise<void>;
}

export interface AttemptsOptions {
  readonly world: World;
  readonly concurrency: number;
  /** How long an attempt that was told that nobody wants its outcome keeps its place, if it goes on, ms. */
  readonly graceMs: number;
  readonly hold: Hold;
  /** Asked before each attempt. After a no, `onBlocked` is called, and `resume()` goes on. */
  readonly mayStart: () => boolean;
  readonly onBlocked: () => void;
  /** An attempt whose outcome is wanted has settled, or reports its progress. */
  readonly onEvent: (resident: Resident, ready: ReadyEvent) => void;
}

interface Queued {
  readonly resident: Resident;
  readonly step: PendingStep;
  readonly registered: RegisteredStep;
  readonly attempt: Attempt;
}

export function createAttempts(options: AttemptsOptions): Attempts {
  const queue: Queued[] = [];
  let head = 0;
  let active = 0;
  let stopped: (() => void) | null = null;

  function next(): void {
    while (active < options.concurrency && head < queue.length && !stopped) {
      if (!options.mayStart()) {
        options.onBlocked();
        return;
      }
      const queued = queue[head++];
      if (queued && isWanted(queued)) run(queued);
    }
    if (head < queue.length) return;
    queue.length = 0;
    head = 0;
  }

  function run({ resident, step, registered, attempt }: Queued): void {
    active++;
    options.hold.acquire();
    let hasPlace = true;
    const leave = (): void => {
      if (!hasPlace) return;
      hasPlace = false;
      options.hold.release();
      active--;
      if (stopped && active === 0) stopped();
      else next();
    };
    attempt.onCancelled = () => void setTimeout(leave, options.graceMs).unref();
    attempt.start(resident, step, registered, (ready) => {
      if (ready.event.type === "step_progress") {
        if (isListening(resident, attempt)) options.onEvent(resident, ready);
        return;
      }
      if (resident.attempting.get(step.op) === attempt) resident.attempting.delete(step.op);
      if (isListening(resident, attempt)) options.onEvent(resident, ready);
      leave();
    });
  }

  return {
    start(resident, step, registered) {
      if (resident.attempting.has(step.op)) return;
      const attempt = new Attempt(options.world);
      resident.attempting.set(step.op, attempt);
      queue.push({ resident, step, registered, attempt });
      next();
    },
    cancel(resident, op, reason) {
      resident.attempting.get(op)?.cancel(reason);
      resident.attempting.delete(op);
    },
    resume: next,
    stop: () =>
      new Promise((resolve) => {
        stopped = resolve;
        if (active === 0) resolve();
      }),
  };
}

function isListening({ mode }: Resident, { isCancelled }: Attempt): boolean {
  return mode !== "dropped" && !isCancelled;
}

/** Whether a queued attempt still has a run that waits for it. */
function isWanted({ resident, step, attempt }: Queued): boolean {
  return resident.mode !== "dropped" && resident.attempting.get(step.op) === attempt;
}
