import type { World } from "@perdure/world";

import type { PendingStep } from "../engine/commands.ts";
import type { RegisteredStep } from "../registry.ts";
import { Attempt } from "./attempt.ts";
import { monotonicNow, setTimeout } from "../host-timers.ts";
import type { Bundles } from "./bundles.ts";
import type { Hold } from "./hold.ts";
import { observed, withError, type Observation } from "./observe/observation.ts";
import type { ObservedAttempt, Told } from "./observe/observer.ts";
import type { ReadyEvent } from "./ready-event.ts";
import type { Resident } from "./resident.ts";
import { SmallMap } from "../small-map.ts";

/** Makes attempts of steps, at most `concurrency` at a time, first come first served, and none while `mayStart` says no. */
export interface Attempts {
  start(resident: Resident, step: PendingStep, registered: RegisteredStep): void;
  /** The answer is not wanted any more: an attempt under way is told by its signal, one in the queue never begins. */
  cancel(resident: Resident, op: string, reason: Error): void;
  /** `mayStart` may have changed its mind. */
  resume(): void;
  /** No further attempt starts, but for those whose start is on record. */
  stop(): void;
  /** Resolves when none is under way, or about to start. */
  settled(): Promise<void>;
}

export interface AttemptsOptions {
  readonly world: World;
  readonly concurrency: number;
  /** How long an attempt that was told that nobody wants its outcome keeps its place, if it goes on, ms. */
  readonly graceMs: number;
  readonly hold: Hold;
  readonly observation: Observation;
  readonly bundles: Bundles;
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
  const queue = createQueue<Queued>();
  let active = 0;
  let isStopped = false;
  let waiting: (() => void)[] = [];

  function next(): void {
    while (active < options.concurrency && queue.length > 0) {
      if (!options.mayStart()) {
        options.onBlocked();
        return;
      }
      const queued = queue.take();
      if (queued && isWanted(queued)) run(queued);
    }
    if (active > 0 || queue.length > 0 || waiting.length === 0) return;
    const resolved = waiting;
    waiting = [];
    for (const resolve of resolved) resolve();
  }

  function run(queued: Queued): void {
    const { resident, step, registered, attempt } = queued;
    active++;
    options.hold.acquire();
    let hasPlace = true;
    const leave = (): void => {
      if (!hasPlace) return;
      hasPlace = false;
      options.hold.release();
      active--;
      next();
    };
    attempt.onCancelled = () => void setTimeout(leave, options.graceMs).unref();
    const startedAt = options.observation.tell ? monotonicNow() : null;
    const told = (ready: ReadyEvent): void => {
      if (!isEnd(ready)) {
        if (isListening(resident, attempt) && isNew(resident, ready)) options.onEvent(resident, ready);
        return;
      }
      if (startedAt !== null) tellSettled(options, queued, ready, monotonicNow() - startedAt);
      if (resident.attempting.get(step.op) === attempt) resident.attempting.delete(step.op);
      if (isListening(resident, attempt)) options.onEvent(resident, ready);
      leave();
    };
    if (startedAt === null) attempt.start(resident, step, registered, told);
    else beginObserved(options.observation, queued, () => attempt.start(resident, step, registered, told));
  }

  return {
    start(resident, step, registered) {
      if (resident.attempting.has(step.op) || (isStopped && !step.hasStarted)) return;
      const attempt = new Attempt(options.world);
      resident.attempting.set(step.op, attempt);
      queue.add({ resident, step, registered, attempt });
      next();
    },
    cancel(resident, op, reason) {
      resident.attempting.get(op)?.cancel(reason);
      resident.attempting.delete(op);
    },
    resume: next,
    stop() {
      isStopped = true;
      for (let left = queue.length; left > 0; left--) {
        const queued = queue.take();
        if (!queued || !isWanted(queued)) continue;
        if (queued.step.hasStarted) queue.add(queued);
        else queued.resident.attempting.delete(queued.step.op);
      }
      next();
    },
    settled: () =>
      new Promise((resolve) => {
        waiting.push(resolve);
        next();
      }),
  };
}

/** First in, first out. What was taken is let go of, also when it never runs empty. */
function createQueue<T>(): { readonly length: number; add(item: T): void; take(): T | undefined } {
  let items: T[] = [];
  let head = 0;
  return {
    get length() {
      return items.length - head;
    },
    add: (item) => void items.push(item),
    take() {
      const item = items[head++];
      if (head === items.length || (head > mostTaken && head > items.length / 2)) {
        items = items.slice(head);
        head = 0;
      }
      return item;
    },
  };
}

/** How many of a queue's items may have been taken. */
const mostTaken = 1000;

function isListening({ mode }: Resident, { isCancelled }: Attempt): boolean {
  return mode !== "dropped" && !isCancelled;
}

/** Whether a queued attempt still has a run that waits for it. */
function isWanted({ resident, step, attempt }: Queued): boolean {
  return resident.mode !== "dropped" && resident.attempting.get(step.op) === attempt;
}

function observedAttempt({ resident, step }: Queued): ObservedAttempt {
  return { operation: step.op, stepId: step.stepId, attempt: step.attempt, ...observed(resident.run) };
}

function beginObserved({ tell, begin }: Observation, queued: Queued, start: () => void): void {
  const event = { type: "attempt_started" as const, ...observedAttempt(queued) };
  if (begin) {
    begin(event, start);
  } else {
    tell?.(event);
    start();
  }
}

const outcomes = { step_completed: "completed", step_failed: "failed", step_retrying: "retrying" } as const;

function tellSettled({ observation, bundles }: AttemptsOptions, queued: Queued, { event, payload }: ReadyEvent, ms: number): void {
  const { resident, attempt } = queued;
  const isWantedStill = resident.mode !== "dropped" && !attempt.isCancelled;
  const outcome = isWantedStill ? outcomes[event.type as keyof typeof outcomes] : "unwanted";
  const told: Told = { type: "attempt_settled" as const, outcome, ms, ...observedAttempt(queued) };
  const timed = event.type === "step_retrying" && isWantedStill ? { ...told, nextAttemptAt: event.dueAt } : told;
  observation.tell?.(event.type === "step_completed" ? timed : withError(timed, payload, resident.run, bundles));
}

/** False for what an attempt says while it is under way. */
function isEnd({ event: { type } }: ReadyEvent): boolean {
  return type !== "step_progress" && type !== "reply_given";
}

/** A reply is a message too, and may have come as one. */
function isNew(resident: Resident, { event }: ReadyEvent): boolean {
  if (event.type !== "reply_given") return true;
  if (resident.messages?.has(event.message)) return false;
  (resident.messages ??= new SmallMap()).set(event.message, true);
  return true;
}
