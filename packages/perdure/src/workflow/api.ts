/** `perdure/api` inside a workflow's bundle: what works there, and functions of the host, which say so when they are called. */
import type { WorkflowModule } from "../sandbox/kernel/workflow-module.ts";

declare const __perdure: WorkflowModule;

export const askHook = /* @__PURE__ */ (() => __perdure.outside("askHook()"))();
export const checkRuns = /* @__PURE__ */ (() => __perdure.outside("checkRuns()"))();
export const exportHistory = /* @__PURE__ */ (() => __perdure.outside("exportHistory()"))();
export const getHookByToken = /* @__PURE__ */ (() => __perdure.outside("getHookByToken()"))();
export const getRun = /* @__PURE__ */ (() => __perdure.getRun)();
export const listVersions = /* @__PURE__ */ (() => __perdure.outside("listVersions()"))();
export const resumeHook = /* @__PURE__ */ (() => __perdure.outside("resumeHook()"))();
export const startMany = /* @__PURE__ */ (() => __perdure.outside("startMany()"))();
export const resumeWebhook = /* @__PURE__ */ (() => __perdure.outside("resumeWebhook()"))();
export const start = /* @__PURE__ */ (() => __perdure.start)();
