export type { PerdureErrorCode } from "./catalogue.ts";
export { HookConflictError, HookDisposedError, HookNoReplyError, HookNotFoundError, HookPayloadInvalidError } from "./hook-errors.ts";
export type { PayloadIssue } from "./hook-errors.ts";
export { CancelledError, TimeoutError } from "./cancelled-error.ts";
export { PerdureError } from "./perdure-error.ts";
export { WorkflowRunCancelledError, WorkflowRunFailedError, WorkflowRunNotFoundError } from "./run-errors.ts";
export { FatalError, RetryableError, SerializationError, ValueTooLargeError } from "./step-errors.ts";
