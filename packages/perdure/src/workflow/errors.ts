/** `perdure/errors` inside a workflow's bundle: the realm's classes. */
import type { WorkflowModule } from "../sandbox/kernel/workflow-module.ts";

declare const __perdure: WorkflowModule;

export const CancelledError = /* @__PURE__ */ (() => __perdure.CancelledError)();
export const TimeoutError = /* @__PURE__ */ (() => __perdure.TimeoutError)();
export const FatalError = /* @__PURE__ */ (() => __perdure.FatalError)();
export const HookConflictError = /* @__PURE__ */ (() => __perdure.HookConflictError)();
export const HookDisposedError = /* @__PURE__ */ (() => __perdure.HookDisposedError)();
export const HookNoReplyError = /* @__PURE__ */ (() => __perdure.HookNoReplyError)();
export const HookNotFoundError = /* @__PURE__ */ (() => __perdure.HookNotFoundError)();
export const HookPayloadInvalidError = /* @__PURE__ */ (() => __perdure.HookPayloadInvalidError)();
export const PerdureError = /* @__PURE__ */ (() => __perdure.PerdureError)();
export const RetryableError = /* @__PURE__ */ (() => __perdure.RetryableError)();
export const SerializationError = /* @__PURE__ */ (() => __perdure.SerializationError)();
export const ValueTooLargeError = /* @__PURE__ */ (() => __perdure.ValueTooLargeError)();
export const WorkflowRunCancelledError = /* @__PURE__ */ (() => __perdure.WorkflowRunCancelledError)();
export const WorkflowRunFailedError = /* @__PURE__ */ (() => __perdure.WorkflowRunFailedError)();
export const WorkflowRunNotFoundError = /* @__PURE__ */ (() => __perdure.WorkflowRunNotFoundError)();
