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
import { find, put, without } from "../few.ts";

/** Makes attempts of steps, at most `concurrency` at a time, first come first served, and none while `mayStart` says no. */
export interface Attempts {
  start(resident: Resident, step: PendingStep, registered: RegisteredStep): void;
  /** The answer is not wanted any more: an attempt under way is told by its signal, one in the queue never begins. */
  cancel(resident: Resident, op: string, reason: Error): void;
  /** `mayStart` may have changed its mind. */
  resume(): void;
  /** The World has said something of a run's owner, or the run is not here any more: attempts of it that were unproven are looked at again. */
  askAgain(resident: Resident): void;
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
  /** Asked before each attempt whether its run is this worker's for certain. After a no, `prove` finds out, and `askAgain()` goes on. */
  readonly isProven: (resident: Resident) => boolean;
  readonly prove: (resident: Resident) => void;
  /** An attempt whose outcome is wanted has settled, or reports its progress. */
  readonly onEvent: (resident: Resident, ready: ReadyEvent) => void;
}

export function createAttempts(options: AttemptsOptions): Attempts {
  return new AttemptPool(options);
}

/** An attempt for a run of this worker, with a place in the queue and then one of those under way. */
class PooledAttempt extends Attempt {
  declare readonly owner: Resident;
  readonly #pool: AttemptPool;
  hasPlace = false;
  /** By the monotonic clock; null: nobody wants to know. */
  startedAt: number | null = null;

  constructor(pool: AttemptPool, world: World, owner: Resident, step: PendingStep, registered: RegisteredStep) {
    super(world, owner, step, registered);
    this.#pool = pool;
  }

  protected told(ready: ReadyEvent): void {
    this.#pool.told(this, ready);
  }

  protected cancelled(): void {
    this.#pool.leaveLater(this);
  }

  /** Whether its run waits for it. */
  get isWanted(): boolean {
    return isHere(this.owner) && find(this.owner.attempting, this.op) === this;
  }

  get isListenedTo(): boolean {
    return isHere(this.owner) && !this.isCancelled;
  }
}

/** A run that is parked gets no answers any more. */
function isHere({ mode }: Resident): boolean {
  return mode !== "dropped" && mode !== "parked";
}

class AttemptPool implements Attempts {
  readonly #options: AttemptsOptions;
  readonly #queue = createQueue<PooledAttempt>();
  /** Those whose runs may be another worker's by now. */
  readonly #unproven = new Map<Resident, PooledAttempt[]>();
  #active = 0;
  #isStopped = false;
  #waiting: (() => void)[] = [];

  constructor(options: AttemptsOptions) {
    this.#options = options;
  }

  start(resident: Resident, step: PendingStep, registered: RegisteredStep): void {
    if (find(resident.attempting, step.op) || (this.#isStopped && !step.hasStarted)) return;
    const attempt = new PooledAttempt(this, this.#options.world, resident, step, registered);
    resident.attempting = put<Attempt>(resident.attempting, attempt);
    this.#queue.add(attempt);
    this.#next();
  }

  cancel(resident: Resident, op: string, reason: Error): void {
    find(resident.attempting, op)?.cancel(reason);
    resident.attempting = without(resident.attempting, op);
  }

  stop(): void {
    this.#isStopped = true;
    for (const attempts of this.#unproven.values()) for (const attempt of attempts) this.#queue.add(attempt);
    this.#unproven.clear();
    for (let left = this.#queue.length; left > 0; left--) {
      const attempt = this.#queue.take();
      if (!attempt?.isWanted) continue;
      const { owner, op, step } = attempt;
      if (step.hasStarted) this.#queue.add(attempt);
      else owner.attempting = without(owner.attempting, op);
    }
    this.#next();
  }

  settled(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#next();
    });
  }

  resume(): void {
    this.#next();
  }

  askAgain(resident: Resident): void {
    const attempts = this.#unproven.size > 0 ? this.#unproven.get(resident) : undefined;
    if (!attempts) return;
    this.#unproven.delete(resident);
    for (const attempt of attempts) this.#queue.add(attempt);
    this.#next();
  }

  #putOff(attempt: PooledAttempt): void {
    const { owner } = attempt;
    const others = this.#unproven.get(owner);
    if (others) others.push(attempt);
    else this.#unproven.set(owner, [attempt]);
    this.#options.prove(owner);
  }

  #next(): void {
    const { concurrency, mayStart, onBlocked, isProven } = this.#options;
    while (this.#active < concurrency && this.#queue.length > 0) {
      if (!mayStart()) {
        onBlocked();
        return;
      }
      const attempt = this.#queue.take();
      if (!attempt?.isWanted) continue;
      if (isProven(attempt.owner)) this.#begin(attempt);
      else this.#putOff(attempt);
    }
    if (this.#active > 0 || this.#queue.length > 0 || this.#unproven.size > 0 || this.#waiting.length === 0) return;
    const resolved = this.#waiting;
    this.#waiting = [];
    for (const resolve of resolved) resolve();
  }

  #begin(attempt: PooledAttempt): void {
    const { hold, observation } = this.#options;
    this.#active++;
    hold.acquire();
    attempt.hasPlace = true;
    if (!observation.tell) {
      attempt.start();
      return;
    }
    attempt.startedAt = monotonicNow();
    beginObserved(observation, attempt);
  }

  told(attempt: PooledAttempt, ready: ReadyEvent): void {
    const { owner, op, isListenedTo, startedAt } = attempt;
    const { onEvent } = this.#options;
    if (!isEnd(ready)) {
      if (isListenedTo && isNew(owner, ready)) onEvent(owner, ready);
      return;
    }
    if (startedAt !== null) tellSettled(this.#options, attempt, ready, monotonicNow() - startedAt);
    if (find(owner.attempting, op) === attempt) owner.attempting = without(owner.attempting, op);
    if (isListenedTo) onEvent(owner, ready);
    this.#leave(attempt);
  }

  /** It keeps its place for a while, if it goes on. */
  leaveLater(attempt: PooledAttempt): void {
    setTimeout(() => this.#leave(attempt), this.#options.graceMs).unref();
  }

  #leave(attempt: PooledAttempt): void {
    if (!attempt.hasPlace) return;
    attempt.hasPlace = false;
    this.#options.hold.release();
    this.#active--;
    this.#next();
  }
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

function observedAttempt({ owner, step }: PooledAttempt): ObservedAttempt {
  return { operation: step.op, stepId: step.stepId, attempt: step.attempt, ...observed(owner.run) };
}

function beginObserved({ tell, begin }: Observation, attempt: PooledAttempt): void {
  const event = { type: "attempt_started" as const, ...observedAttempt(attempt) };
  if (begin) {
    begin(event, () => attempt.start());
  } else {
    tell?.(event);
    attempt.start();
  }
}

const outcomes = { step_completed: "completed", step_failed: "failed", step_retrying: "retrying" } as const;

function tellSettled({ observation, bundles }: AttemptsOptions, attempt: PooledAttempt, { event, payload }: ReadyEvent, ms: number): void {
  const isWantedStill = attempt.isListenedTo;
  const outcome = isWantedStill ? outcomes[event.type as keyof typeof outcomes] : "unwanted";
  const told: Told = { type: "attempt_settled" as const, outcome, ms, ...observedAttempt(attempt) };
  const timed = event.type === "step_retrying" && isWantedStill ? { ...told, nextAttemptAt: event.dueAt } : told;
  observation.tell?.(event.type === "step_completed" ? timed : withError(timed, payload, attempt.owner.run, bundles));
}

/** False for what an attempt says while it is under way. */
function isEnd({ event: { type } }: ReadyEvent): boolean {
  return type !== "step_progress" && type !== "reply_given";
}

/** A reply is a message too, and may have come as one. */
function isNew(resident: Resident, { event }: ReadyEvent): boolean {
  if (event.type !== "reply_given") return true;
  if (resident.messages?.has(event.message)) return false;
  (resident.messages ??= new Set()).add(event.message);
  return true;
}
