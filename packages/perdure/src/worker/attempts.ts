import type { RunRecord } from "@perdure/world";

import { decode, encodeReading, encodeThrown } from "../codec/index.ts";
import type { PendingStep } from "../engine/commands.ts";
import { PerdureError } from "../errors/perdure-error.ts";
import type { RegisteredStep, StepFactory, StepFunction } from "../registry.ts";
import { withStepContext, type StepContext, type StepMetadata, type WorkflowMetadata } from "../step-context.ts";
import type { Hold } from "./hold.ts";
import type { ReadyEvent, Resident } from "./resident.ts";
import { defaultMaxRetries, nextAttemptAt } from "./retry-policy.ts";

/** Makes attempts of steps, at most `concurrency` at a time, first come first served, and none while `mayStart` says no. */
export interface Attempts {
  start(resident: Resident, step: PendingStep, registered: RegisteredStep): void;
  /** `mayStart` may have changed its mind. */
  resume(): void;
  /** No further attempt starts. Resolves when those under way have settled. */
  stop(): Promise<void>;
}

export interface AttemptsOptions {
  readonly concurrency: number;
  readonly hold: Hold;
  /** Asked before each attempt. After a no, `onBlocked` is called, and `resume()` goes on. */
  readonly mayStart: () => boolean;
  readonly onBlocked: () => void;
  readonly onSettled: (resident: Resident, ready: ReadyEvent) => void;
}

interface Queued {
  readonly resident: Resident;
  readonly step: PendingStep;
  readonly registered: RegisteredStep;
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
      if (queued && queued.resident.mode !== "dropped") run(queued);
    }
    if (head < queue.length) return;
    queue.length = 0;
    head = 0;
  }

  function run({ resident, step, registered }: Queued): void {
    active++;
    options.hold.acquire();
    attempt(registered, resident, step, (ready) => {
      options.hold.release();
      active--;
      resident.attempting.delete(step.op);
      if (resident.mode !== "dropped") options.onSettled(resident, ready);
      if (stopped && active === 0) stopped();
      else next();
    });
  }

  return {
    start(resident, step, registered) {
      if (resident.attempting.has(step.op)) return;
      resident.attempting.add(step.op);
      queue.push({ resident, step, registered });
      next();
    },
    resume: next,
    stop: () =>
      new Promise((resolve) => {
        stopped = resolve;
        if (active === 0) resolve();
      }),
  };
}

/** One try. Whatever happens becomes an event. (Plain `then`, not `async`: a step costs as few promises as it can.) */
function attempt(registered: RegisteredStep, resident: Resident, step: PendingStep, settled: (ready: ReadyEvent) => void): void {
  let maxRetries = defaultMaxRetries;
  const succeed = (value: unknown): void => {
    let payload: string | Promise<string>;
    try {
      payload = encodeReading(value, "result");
    } catch (error) {
      fail(error);
      return;
    }
    if (typeof payload === "string") complete(payload);
    else payload.then(complete, fail);
  };
  const complete = (payload: string): void => settled({ event: { type: "step_completed", op: step.op, attempt: step.attempt }, payload });
  const fail = (error: unknown): void => settled(failure(error, step, maxRetries));
  let result: unknown;
  try {
    const { fn, args } = prepare(registered, step);
    maxRetries = checkMaxRetries(fn.maxRetries ?? defaultMaxRetries, registered);
    result = withStepContext(new AttemptContext(registered, resident.run, step), () => fn(...(args as never[])));
  } catch (error) {
    result = Promise.reject(error);
  }
  Promise.resolve(result).then(succeed, fail);
}

function failure(error: unknown, step: PendingStep, maxRetries: number): ReadyEvent {
  const { op, attempt: number } = step;
  const payload = encodeThrown(error);
  const dueAt = nextAttemptAt(error, number, maxRetries, Date.now());
  if (dueAt === null) return { event: { type: "step_failed", op, attempt: number }, payload };
  return { event: { type: "step_retrying", op, attempt: number, dueAt }, payload };
}

/** The input is a list of arguments, or for a step with captures an object of both. */
function prepare(registered: RegisteredStep, step: PendingStep): { fn: StepFunction; args: unknown[] } {
  const input = decode(step.input) as unknown[] | { args: unknown[]; captures: Record<string, unknown> };
  const { args, captures } = Array.isArray(input) ? { args: input, captures: {} } : input;
  return { fn: registered.isClosure ? (registered.target as StepFactory)(captures) : (registered.target as StepFunction), args };
}

function checkMaxRetries(maxRetries: unknown, { id }: RegisteredStep): number {
  if (Number.isInteger(maxRetries) && (maxRetries as number) >= 0) return maxRetries as number;
  throw new PerdureError(
    "INVALID_ARGUMENT",
    `maxRetries of the step "${id}" is ${String(maxRetries)}; it must be a whole number, 0 or more.`,
  );
}

/** Made for every attempt, read by few: the metadata is put together when it is asked for. */
class AttemptContext implements StepContext {
  readonly #registered: RegisteredStep;
  readonly #run: RunRecord;
  readonly #step: PendingStep;
  readonly #startedAt = Date.now();

  constructor(registered: RegisteredStep, run: RunRecord, step: PendingStep) {
    this.#registered = registered;
    this.#run = run;
    this.#step = step;
  }

  get step(): StepMetadata {
    const { op, attempt: number } = this.#step;
    return { stepId: `${this.#run.id}/${op}`, stepName: this.#registered.name, attempt: number, stepStartedAt: new Date(this.#startedAt) };
  }

  get workflow(): WorkflowMetadata {
    const { id, key, workflowId, createdAt } = this.#run;
    return { workflowRunId: key ?? id, workflowName: workflowId, workflowStartedAt: new Date(createdAt) };
  }
}
