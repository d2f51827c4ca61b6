/** What compiled workflow code imports from `perdure/internal`. */
import type { WorkflowModule } from "../sandbox/kernel/workflow-module.ts";

declare const __perdure: WorkflowModule;

export const callStep = /* @__PURE__ */ (() => __perdure.callStep)();
export const registerClass = /* @__PURE__ */ (() => __perdure.registerClass)();
