import type { RunRecord } from "@perdure/world";

import { decode, encodeReading, encodeThrown } from "../codec/index.ts";
import type { PendingStep } from "../engine/commands.ts";
import { TimeoutError } from "../errors/cancelled-error.ts";
import { clearTimeout, setTimeout } from "../host-timers.ts";
import type { RegisteredStep, StepFactory, StepFunction } from "../registry.ts";
import { withStepContext, type StepContext, type StepMetadata, type WorkflowMetadata } from "../step-context.ts";
import type { ReadyEvent } from "./ready-event.ts";
import { attemptPolicy, nextAttemptAt, type AttemptPolicy } from "./retry-policy.ts";

/** One try of a step, from the queue to its end. Whatever happens becomes an event, once. */
export class Attempt {
  #controller: AbortController | null = null;
  #abortedWith: { readonly reason: Error } | null = null;
  #isCancelled = false;

  /** Nobody waits for the outcome any more. */
  get isCancelled(): boolean {
    return this.#isCancelled;
  }

  /** Aborted when nobody wants the outcome any more: at the timeout, when the call was cancelled, when the run was lost. Made when it is first asked for. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#abortedWith && !this.#controller.signal.aborted) this.#controller.abort(this.#abortedWith.reason);
    return this.#controller.signal;
  }

  /** Tells the attempt that its outcome is not wanted. */
  cancel(reason: Error): void {
    this.#isCancelled = true;
    this.#abort(reason);
  }

  #abort(reason: Error): void {
    this.#abortedWith ??= { reason };
    this.#controller?.abort(reason);
  }

  /** (Plain `then`, not `async`: a step costs as few promises as it can.) */
  start(run: RunRecord, step: PendingStep, registered: RegisteredStep, settled: (ready: ReadyEvent) => void): void {
    let policy: AttemptPolicy | null = null;
    let timer: NodeJS.Timeout | null = null;
    let isOver = false;
    const end = (ready: ReadyEvent): void => {
      if (isOver) return;
      isOver = true;
      if (timer) clearTimeout(timer);
      settled(ready);
    };
    const fail = (error: unknown): void => end(failure(error, step, policy));
    const complete = (payload: string): void => end({ event: { type: "step_completed", op: step.op, attempt: step.attempt }, payload });
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
    let result: unknown;
    try {
      const { fn, args } = prepare(registered, step);
      policy = attemptPolicy(fn, registered, step);
      const limitMs = timeLimit(policy, Date.now());
      if (limitMs !== null) {
        timer = setTimeout(
          () => {
            const error = new TimeoutError(`Attempt ${step.attempt} of the step "${step.stepId}"`, limitMs);
            this.#abort(error);
            fail(error);
          },
          Math.min(limitMs, longestTimer),
        );
      }
      result = withStepContext(new AttemptContext({ attempt: this, registered, run, step }), () => fn(...(args as never[])));
    } catch (error) {
      result = Promise.reject(error);
    }
    Promise.resolve(result).then(succeed, fail);
  }
}

/** Longer ones overflow, and no attempt lasts for 24 days. */
const longestTimer = 2 ** 31 - 1;

function timeLimit({ timeoutMs, deadlineAt }: AttemptPolicy, now: number): number | null {
  const untilDeadline = deadlineAt === null ? null : Math.max(0, deadlineAt - now);
  if (timeoutMs === null || untilDeadline === null) return timeoutMs ?? untilDeadline;
  return Math.min(timeoutMs, untilDeadline);
}

/** @param policy null: it could not be read, which another attempt does not mend */
function failure(error: unknown, { op, attempt }: PendingStep, policy: AttemptPolicy | null): ReadyEvent {
  const failed = (thrown: unknown): ReadyEvent => ({ event: { type: "step_failed", op, attempt }, payload: encodeThrown(thrown) });
  let dueAt: number | null;
  try {
    dueAt = policy && nextAttemptAt({ error, attempt, now: Date.now() }, policy);
  } catch (mistake) {
    return failed(mistake); // of `retryIf`
  }
  if (dueAt === null) return failed(error);
  return { event: { type: "step_retrying", op, attempt, dueAt }, payload: encodeThrown(error) };
}

/** The input is a list of arguments, or for a step with captures an object of both. */
function prepare(registered: RegisteredStep, step: PendingStep): { fn: StepFunction; args: unknown[] } {
  const input = decode(step.input) as unknown[] | { args: unknown[]; captures: Record<string, unknown> };
  const { args, captures } = Array.isArray(input) ? { args: input, captures: {} } : input;
  return { fn: registered.isClosure ? (registered.target as StepFactory)(captures) : (registered.target as StepFunction), args };
}

interface AttemptIdentity {
  readonly attempt: Attempt;
  readonly registered: RegisteredStep;
  readonly run: RunRecord;
  readonly step: PendingStep;
}

/** Made for every attempt, read by few: the metadata is put together when it is asked for. */
class AttemptContext implements StepContext {
  readonly #identity: AttemptIdentity;
  readonly #startedAt = Date.now();

  constructor(identity: AttemptIdentity) {
    this.#identity = identity;
  }

  get step(): StepMetadata {
    const { attempt, registered, run, step } = this.#identity;
    return {
      stepId: `${run.id}/${step.op}`,
      stepName: registered.name,
      attempt: step.attempt,
      stepStartedAt: new Date(this.#startedAt),
      get signal() {
        return attempt.signal;
      },
    };
  }

  get workflow(): WorkflowMetadata {
    const { attempt, run } = this.#identity;
    return {
      workflowRunId: run.key ?? run.id,
      workflowName: run.workflowId,
      workflowStartedAt: new Date(run.createdAt),
      get signal() {
        return attempt.signal;
      },
    };
  }
}
