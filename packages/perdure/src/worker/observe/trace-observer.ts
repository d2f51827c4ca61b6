import { shortName } from "../note.ts";
import type { AttemptStarted, ObservedAttempt, ObservedRun, Observer, WorkerEvent } from "./observer.ts";

type Attributes = Record<string, string | number | boolean>;

/** The part of an OpenTelemetry span that is used; those of `@opentelemetry/api` fit. */
export interface Span {
  setAttribute(name: string, value: string | number | boolean): unknown;
  setStatus(status: { code: number; message?: string }): unknown;
  recordException(error: Error): void;
  end(endTime?: number): void;
}

interface SpanOptions {
  readonly root?: boolean;
  readonly startTime?: number;
  readonly attributes?: Attributes;
}

/** The part of an OpenTelemetry tracer that is used: `trace.getTracer("my-service")` of `@opentelemetry/api` fits. */
export interface Tracer {
  startSpan(name: string, options?: SpanOptions): Span;
  startActiveSpan<T>(name: string, options: SpanOptions, begin: (span: Span) => T): T;
}

/** `SpanStatusCode.ERROR` */
const statusError = 2;

/**
 * Makes OpenTelemetry spans with your tracer; Perdure itself does not depend on OpenTelemetry.
 *
 * - `step <name>`: an attempt. It is the active span while the step runs, so that what the step does (HTTP, SQL) lies below it.
 * - `workflow <name>`: a run from its creation to its end, made when it ends, by the worker that saw the end.
 * - `replay <name>`: a run being rebuilt from its history.
 *
 * Every span is the root of a trace of its own, because a run outlives any request and any process; `perdure.run.id` is what they have in common. Attributes: `perdure.worker.id`,
 * `perdure.run.id`, `perdure.run.status`, `perdure.workflow.id`, `perdure.workflow.version`, `perdure.step.id`, `perdure.step.operation`, `perdure.attempt`, `perdure.attempt.outcome`,
 * `perdure.history.events`, `perdure.history.bytes`; and from the semantic conventions `error.type`, and exceptions as events.
 * @example
 * setObservers([traceObserver(trace.getTracer("shop"))]);
 */
export function traceObserver(tracer: Tracer): Observer {
  const attempts = new Map<string, Span>();

  function settle(event: Extract<WorkerEvent, { type: "attempt_settled" }>): void {
    const span = attempts.get(keyOf(event));
    if (!span) return;
    attempts.delete(keyOf(event));
    span.setAttribute("perdure.attempt.outcome", event.outcome);
    if (event.outcome === "failed" || event.outcome === "retrying") fail(span, event.error);
    span.end();
  }

  function traceRun(event: Extract<WorkerEvent, { type: "run_ended" }>): void {
    const attributes = { ...runAttributes(event), "perdure.run.status": event.status };
    const span = tracer.startSpan(`workflow ${shortName(event.workflowId)}`, { root: true, startTime: event.createdAt, attributes });
    if (event.status === "failed") fail(span, event.error);
    span.end();
  }

  function traceReplay(event: Extract<WorkerEvent, { type: "run_replayed" }>): void {
    const attributes = { ...runAttributes(event), "perdure.history.events": event.rows, "perdure.history.bytes": event.bytes };
    const span = tracer.startSpan(`replay ${shortName(event.workflowId)}`, { root: true, startTime: Date.now() - event.ms, attributes });
    span.end();
  }

  return {
    observe(event) {
      if (event.type === "attempt_settled") settle(event);
      else if (event.type === "run_ended") traceRun(event);
      else if (event.type === "run_replayed") traceReplay(event);
    },
    beginAttempt(event, begin) {
      tracer.startActiveSpan(`step ${shortName(event.stepId)}`, { root: true, attributes: attemptAttributes(event) }, (span) => {
        attempts.set(keyOf(event), span);
        begin();
      });
    },
  };
}

function fail(span: Span, error: unknown): void {
  const message = error instanceof Error ? error.message : String(error);
  span.setAttribute("error.type", error instanceof Error ? error.name : typeof error);
  span.recordException(error instanceof Error ? error : new Error(message));
  span.setStatus({ code: statusError, message });
}

function keyOf({ worker, runId, operation, attempt }: ObservedAttempt & { readonly worker: string }): string {
  return `${worker}/${runId}/${operation}/${attempt}`;
}

function runAttributes({ worker, runId, workflowId, version }: ObservedRun & { readonly worker: string }): Attributes {
  return { "perdure.worker.id": worker, "perdure.run.id": runId, "perdure.workflow.id": workflowId, "perdure.workflow.version": version };
}

function attemptAttributes(event: AttemptStarted): Attributes {
  return {
    ...runAttributes(event),
    "perdure.step.id": event.stepId,
    "perdure.step.operation": event.operation,
    "perdure.attempt": event.attempt,
  };
}
