/**
 * What `perdure` is inside a workflow's bundle. The runtime binds the free name `__perdure` when it evaluates the bundle; each line is marked as
 * free of effects so that a bundle holds only what it uses.
 */
import type { WorkflowModule } from "../sandbox/kernel/workflow-module.ts";

declare const __perdure: WorkflowModule;

export const continueAsNew = /* @__PURE__ */ (() => __perdure.continueAsNew)();
export const createHook = /* @__PURE__ */ (() => __perdure.createHook)();
export const createWebhook = /* @__PURE__ */ (() => __perdure.createWebhook)();
export const defineHook = /* @__PURE__ */ (() => __perdure.defineHook)();
export const getStepMetadata = /* @__PURE__ */ (() => __perdure.getStepMetadata)();
export const getWorkflowMetadata = /* @__PURE__ */ (() => __perdure.getWorkflowMetadata)();
export const heartbeat = /* @__PURE__ */ (() => __perdure.heartbeat)();
export const getWritable = /* @__PURE__ */ (() => __perdure.getWritable)();
export const patched = /* @__PURE__ */ (() => __perdure.patched)();
export const publish = /* @__PURE__ */ (() => __perdure.publish)();
export const setAttributes = /* @__PURE__ */ (() => __perdure.setAttributes)();
export const saga = /* @__PURE__ */ (() => __perdure.saga)();
export const scope = /* @__PURE__ */ (() => __perdure.scope)();
export const shield = /* @__PURE__ */ (() => __perdure.shield)();
export const spawn = /* @__PURE__ */ (() => __perdure.spawn)();
export const withOptions = /* @__PURE__ */ (() => __perdure.withOptions)();
export const sleep = /* @__PURE__ */ (() => __perdure.sleep)();
export const CancelledError = /* @__PURE__ */ (() => __perdure.CancelledError)();
export const TimeoutError = /* @__PURE__ */ (() => __perdure.TimeoutError)();
export const FatalError = /* @__PURE__ */ (() => __perdure.FatalError)();
export const RetryableError = /* @__PURE__ */ (() => __perdure.RetryableError)();
