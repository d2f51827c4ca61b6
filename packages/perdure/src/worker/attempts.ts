import { decode, encode, encodeThrown } from "../codec/index.ts";
import type { PendingStep } from "../engine/commands.ts";
import type { RegisteredStep, StepFunction } from "../registry.ts";
import { withStepContext, type StepContext } from "../step-context.ts";
import type { Hold } from "./hold.ts";
import type { ReadyEvent, Resident } from "./resident.ts";
import { defaultMaxRetries, nextAttemptAt } from "./retry-policy.ts";

/** Makes attempts of steps, at most `concurrency` at a time, first come first served. */
export interface Attempts {
  start(resident: Resident, step: PendingStep, registered: RegisteredStep): void;
  /** No further attempt starts. Resolves when those under way have settled. */
  stop(): Promise<void>;
}

export interface AttemptsOptions {
  readonly concurrency: number;
  readonly hold: Hold;
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
      const queued = queue[head++];
      if (queued && queued.resident.mode !== "dropped") void run(queued);
    }
    if (head < queue.length) return;
    queue.length = 0;
    head = 0;
  }

  async function run({ resident, step, registered }: Queued): Promise<void> {
    active++;
    options.hold.acquire();
    const ready = await attempt(registered, resident, step);
    options.hold.release();
    active--;
    resident.attempting.delete(step.op);
    if (resident.mode !== "dropped") options.onSettled(resident, ready);
    if (stopped && active === 0) stopped();
    else next();
  }

  return {
    start(resident, step, registered) {
      if (resident.attempting.has(step.op)) return;
      resident.attempting.add(step.op);
      queue.push({ resident, step, registered });
      next();
    },
    stop: () =>
      new Promise((resolve) => {
        stopped = resolve;
        if (active === 0) resolve();
      }),
  };
}

/** One try. Never rejects: whatever happens becomes an event. */
async function attempt(registered: RegisteredStep, resident: Resident, step: PendingStep): Promise<ReadyEvent> {
  const { op, attempt: number } = step;
  let maxRetries = defaultMaxRetries;
  try {
    const { fn, args } = prepare(registered, step);
    maxRetries = fn.maxRetries ?? defaultMaxRetries;
    const value: unknown = await withStepContext(contextOf(registered, resident, step), () => fn(...(args as never[])));
    return { event: { type: "step_completed", op, attempt: number }, payload: encode(value, "result") };
  } catch (error) {
    const payload = encodeThrown(error);
    const dueAt = nextAttemptAt(error, number, maxRetries, Date.now());
    if (dueAt === null) return { event: { type: "step_failed", op, attempt: number }, payload };
    return { event: { type: "step_retrying", op, attempt: number, dueAt }, payload };
  }
}

function prepare(registered: RegisteredStep, step: PendingStep): { fn: StepFunction; args: unknown[] } {
  const input = decode(step.input);
  if (!registered.isClosure) return { fn: registered.target as StepFunction, args: input as unknown[] };
  const { args, captures } = input as { args: unknown[]; captures: unknown[] };
  return { fn: (registered.target as (...captures: unknown[]) => StepFunction)(...captures), args };
}

function contextOf(registered: RegisteredStep, { run }: Resident, step: PendingStep): StepContext {
  return {
    step: { stepId: `${run.id}/${step.op}`, stepName: registered.name, attempt: step.attempt, stepStartedAt: new Date() },
    workflow: { workflowRunId: run.key ?? run.id, workflowName: run.workflowId, workflowStartedAt: new Date(run.createdAt) },
  };
}
