/**
 * What `perdure` is inside a workflow's bundle. The runtime binds the free name `__perdure` when it evaluates the bundle; each line is marked as
 * free of effects so that a bundle holds only what it uses.
 */
import type { WorkflowModule } from "../sandbox/kernel/workflow-module.ts";

declare const __perdure: WorkflowModule;

export const createHook = /* @__PURE__ */ (() => __perdure.createHook)();
export const defineHook = /* @__PURE__ */ (() => __perdure.defineHook)();
export const getStepMetadata = /* @__PURE__ */ (() => __perdure.getStepMetadata)();
export const getWorkflowMetadata = /* @__PURE__ */ (() => __perdure.getWorkflowMetadata)();
export const sleep = /* @__PURE__ */ (() => __perdure.sleep)();
export const FatalError = /* @__PURE__ */ (() => __perdure.FatalError)();
export const RetryableError = /* @__PURE__ */ (() => __perdure.RetryableError)();
