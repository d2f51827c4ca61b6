import { PerdureError } from "./perdure-error.ts";

/** `run.returnValue` of a run that failed. `cause` is what the workflow threw, with its class, name, message and own properties. */
export class WorkflowRunFailedError extends PerdureError {
  static override readonly className = "WorkflowRunFailedError";
  readonly runId: string;

  constructor(runId: string, cause: unknown) {
    const reason = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
    super("RUN_FAILED", `Run "${runId}" failed: ${reason}`, { cause, isBrief: true });
    this.runId = runId;
  }
}

/** `run.returnValue` of a run that was cancelled. `cause` is the CancelledError with which it ended, whose own `cause` is the reason; undefined for a run that was not asked. */
export class WorkflowRunCancelledError extends PerdureError {
  static override readonly className = "WorkflowRunCancelledError";
  readonly runId: string;

  constructor(runId: string, cause?: unknown) {
    super("RUN_CANCELLED", `Run "${runId}" was cancelled.`, { isBrief: true, ...(cause !== undefined && { cause }) });
    this.runId = runId;
  }
}

/** No run has this id. */
export class WorkflowRunNotFoundError extends PerdureError {
  static override readonly className = "WorkflowRunNotFoundError";
  readonly runId: string;

  constructor(runId: string) {
    super("RUN_NOT_FOUND", `There is no run "${runId}".`);
    this.runId = runId;
  }
}
